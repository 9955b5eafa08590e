mod store;
mod tools;

use rmcp::ServiceExt;
use rmcp::transport::stdio;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let store = store::Store::open().await?;
    let service = tools::Notes::new(store.clone()).serve(stdio()).await?; // FINDING LIFE-001
    service.waiting().await?;
    Ok(())
}
