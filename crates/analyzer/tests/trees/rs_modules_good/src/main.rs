mod ending;
mod store;
mod tools;

use rmcp::ServiceExt;
use rmcp::transport::stdio;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let store = store::Store::open().await?;
    let service = tools::Notes::new(store.clone()).serve(stdio()).await?;
    let token = service.cancellation_token();
    tokio::spawn(async move {
        ending::asked().await;
        token.cancel();
    });
    service.waiting().await?;
    store.close().await;
    Ok(())
}
