//! A stdio relay through an SDK's types: every message is decoded into them and encoded again.
//!
//! `dropgate-bench-typed COMMAND…` is what a proxy on rmcp looks like, with its non-blocking pipes and one thread.

#![forbid(unsafe_code)]

use std::error::Error;
use std::process::ExitCode;

use rmcp::model::{
    ClientCapabilities, ClientConfig, ClientNotification, ClientRequest, Implementation,
    InitializeResult, ProtocolVersion, ServerConfig, ServerResult,
};
use rmcp::service::{NotificationContext, RequestContext, RunningService};
use rmcp::transport::{TokioChildProcess, stdio_pipes};
use rmcp::{ErrorData, RoleClient, RoleServer, Service, ServiceExt as _};

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let relayed = runtime
        .map_err(Into::into)
        .and_then(|runtime| runtime.block_on(relay()));
    match relayed {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("dropgate-bench-typed: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn relay() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args_os().skip(1);
    let program = words.next().ok_or("usage: dropgate-bench-typed COMMAND…")?;
    let mut command = std::process::Command::new(program);
    command.args(words);
    let server = TokioChildProcess::new(tokio::process::Command::from(command))?;
    let name = Implementation::new("dropgate-bench-typed", "0");
    let mut config = ClientConfig::new(ClientCapabilities::default(), name);
    config.protocol_version = ProtocolVersion::V_2025_06_18;
    let upstream = config.serve(server).await?;
    let relay = Relay { upstream };
    relay.serve(stdio_pipes()).await?.waiting().await?;
    Ok(())
}

/// Passes on what the host asks.
struct Relay {
    upstream: RunningService<RoleClient, ClientConfig>,
}

impl Service<RoleServer> for Relay {
    async fn handle_request(
        &self,
        request: ClientRequest,
        _request: RequestContext<RoleServer>,
    ) -> Result<ServerResult, ErrorData> {
        if let ClientRequest::InitializeRequest(_) = request {
            return Ok(ServerResult::InitializeResult(self.get_info()));
        }
        let answered = self.upstream.send_request(request).await;
        answered.map_err(|error| ErrorData::internal_error(error.to_string(), None))
    }

    async fn handle_notification(
        &self,
        notification: ClientNotification,
        _notification: NotificationContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        if let ClientNotification::InitializedNotification(_) = notification {
            return Ok(());
        }
        let sent = self.upstream.send_notification(notification).await;
        sent.map_err(|error| ErrorData::internal_error(error.to_string(), None))
    }

    fn get_info(&self) -> ServerConfig {
        let capabilities = self
            .upstream
            .peer_info()
            .map(|info| info.capabilities.clone());
        let mut info = InitializeResult::new(capabilities.unwrap_or_default());
        info.protocol_version = ProtocolVersion::V_2025_06_18;
        info
    }
}
