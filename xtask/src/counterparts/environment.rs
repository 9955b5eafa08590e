//! The variables that a counterpart is started with, as a file that tests read.

use serde_json::{Value, json};

use super::{Place, write};
use crate::failure::Failure;

/// Folders of the system's own programs, after the counterparts'.
const SYSTEM_PATH: &str = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin";

/// Writes `env.json`: names and values that every counterpart needs so that it is found, pinned and fetches nothing.
pub(super) fn write_file(place: &Place) -> Result<(), Failure> {
    write(
        &place.dir.join("env.json"),
        &format!("{:#}\n", variables(place)),
    )
}

/// The same as a value.
pub(super) fn variables(place: &Place) -> Value {
    let dir = place.dir.display();
    json!({
        "PATH": format!("{dir}/bin:{SYSTEM_PATH}"),
        "UV_TOOL_DIR": format!("{dir}/python/tools"),
        "UV_NO_CONFIG": "1",
        "UV_OFFLINE": "1",
        "UV_PYTHON_DOWNLOADS": "never",
        "npm_config_offline": "true",
        "npm_config_update_notifier": "false",
        "PUPPETEER_SKIP_DOWNLOAD": "1",
        "PUPPETEER_EXECUTABLE_PATH": "/usr/bin/chromium",
        "FASTMCP_CHECK_FOR_UPDATES": "off",
    })
}
