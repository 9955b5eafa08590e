//! A folder with policies, and a server in it that lists a tool.

use std::process::{Command, Output};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use crate::host::{Folder, Run, WITHIN};

pub(crate) const NAME: &str = "files";

/// Lists what stands in a file, and answers every call.
pub(crate) const SERVER: &str = r#"
echo "stray, with $API_TOKEN"
while read -r line; do
    id=${line#*\"id\":}
    id=${id%%,*}
    case $line in
        *'"initialize"'*) result='{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"s","version":"1"}}' ;;
        *'"tools/list"'*) read -r result < "$LIST" ;;
        *'"name":"mute"'*) continue ;;
        *'"tools/call"'*) result='{"content":[{"type":"text","text":"done"}]}' ;;
        *) continue ;;
    esac
    printf '{"jsonrpc":"2.0","id":%s,"result":%s}\n' "$id" "$result"
done"#;

/// A secret by the name of its variable; nothing about it looks like one.
pub(crate) const TOKEN: &str = "green-lantern-in-the-yard";

pub(crate) const POLICIES: &str = r#"
@id("read-project")
permit (principal, action == Action::"read", resource)
when { context.args.path like "/srv/*" };
@id("no-climbing")
forbid (principal, action in Action::"tools/call", resource)
when { context.args has path && context.args.path like "*..*" };
"#;

pub(crate) struct Place(pub(crate) Folder);

impl Place {
    pub(crate) fn new(config: &str) -> Self {
        let place = Self(Folder::new(config));
        place.write("a.cedar", POLICIES);
        place.list("Reads.");
        place
    }

    pub(crate) fn write(&self, file: &str, text: &str) {
        self.0.write(file, text);
    }

    /// From here on the server describes its tool so.
    pub(crate) fn list(&self, description: &str) {
        let path = json!({"type": "object", "properties": {"path": {"type": "string"}},
                          "required": ["path"]});
        let tool = json!({"name": "read", "description": description, "inputSchema": path});
        let list = json!({"tools": [tool]}).to_string();
        self.write("list", &(list + "\n"));
    }

    pub(crate) fn dropgate(&self, arguments: &[&str]) -> Command {
        let mut command = self.0.dropgate(arguments);
        command
            .env("API_TOKEN", TOKEN)
            .env("LIST", self.0.path().join("list"));
        command
    }

    pub(crate) fn say(&self, arguments: &[&str]) -> Output {
        self.dropgate(arguments).output().unwrap()
    }

    pub(crate) fn run(&self) -> Run {
        let config = ["run", "--config", "dropgate.toml", "--explain"];
        let mut command = self.dropgate(&config);
        Run::begin(command.args(["--journal", "off", "--name", NAME, "--", "sh", "-c", SERVER]))
    }
}

impl Run {
    pub(crate) fn call(&mut self, path: &str) -> String {
        self.call_of("read", path)
    }

    /// What became of a call, by its outcome or the server's text.
    pub(crate) fn call_of(&mut self, tool: &str, path: &str) -> String {
        let arguments = json!({"path": path});
        let answer = self.ask("tools/call", &json!({"name": tool, "arguments": arguments}));
        let result = &answer["result"];
        let outcome = result["_meta"]["dev.dropgate/outcome"]["outcome"].as_str();
        let text = result["content"][0]["text"].as_str();
        outcome.or(text).unwrap().to_owned()
    }

    pub(crate) fn hang_up(&self) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(pid, Signal::HUP).unwrap();
    }

    /// Sends SIGHUP and waits for what is said of it.
    pub(crate) fn reload(&mut self) -> String {
        self.hang_up();
        loop {
            let line = self.told.recv_timeout(WITHIN).unwrap();
            let text = line.strip_prefix("dropgate: configuration: ");
            let verdict = text.filter(|text| !text.starts_with("what changed in"));
            if let Some(verdict) = verdict {
                return verdict.to_owned();
            }
            self.log += &(line + "\n");
        }
    }

    /// Ends it; what it said on stderr.
    pub(crate) fn end(self) -> String {
        let (code, log) = self.finish();
        assert_eq!(code, Some(0), "{log}");
        log
    }
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}
