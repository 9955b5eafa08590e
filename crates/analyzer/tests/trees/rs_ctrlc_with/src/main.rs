use rmcp::ServiceExt;
use rmcp::transport::stdio;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let service = Notes::new().serve(stdio()).await?;
    let token = service.cancellation_token();
    ctrlc::set_handler(move || token.cancel())?;
    service.waiting().await?;
    Ok(())
}
