use rmcp::{tool, tool_router};

use crate::store::Store;

pub struct Notes {
    store: Store,
}

#[tool_router]
impl Notes {
    pub fn new(store: Store) -> Self {
        Self { store }
    }

    #[tool(description = "Counts.", annotations(read_only_hint = true))]
    async fn count(&self) -> String {
        eprintln!("count");
        String::from("0")
    }
}
