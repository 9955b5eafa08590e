//! One request over HTTP and its reply, read up to a limit.

use dropgate_gate::decision::{MAX_REPLY, PointAnswer, PointFailure};
use reqwest::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE, HeaderValue};
use reqwest::{Client, Response, Url};

use super::{PointRefused, PointSettings};

/// How an exchange ended.
pub(super) enum Exchanged {
    /// With a decision, yes or no.
    Decided(PointAnswer),
    /// With anything else, which is a denial.
    Failed(PointAnswer),
}

/// A client that goes straight to the decision point, once a question.
pub(super) fn client(settings: &PointSettings) -> Result<(Client, Url), PointRefused> {
    let url = address(&settings.url)?;
    // Whoever was first has chosen; it is the same provider everywhere in dropgate.
    let _chosen_already = rustls::crypto::ring::default_provider().install_default();
    let mut roots = Vec::new();
    for pem in &settings.extra_roots {
        let bundle = reqwest::Certificate::from_pem_bundle(pem);
        roots.extend(bundle.map_err(|error| PointRefused::Root(error.to_string()))?);
    }
    let builder = Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .http1_only()
        .referer(false)
        .connect_timeout(settings.timeout)
        .timeout(settings.timeout)
        .pool_max_idle_per_host(4);
    // A plain connection needs no trust store, and a machine without one can still ask.
    let builder = match url.scheme() {
        "https" => builder.https_only(true).tls_certs_merge(roots),
        _ => builder.tls_certs_only(roots),
    };
    let client = builder.build();
    let client = client.map_err(|error| PointRefused::System(causes(&error)))?;
    Ok((client, url))
}

/// Sends the question and reads what comes back.
pub(super) async fn exchange(client: &Client, url: Url, body: Vec<u8>) -> Exchanged {
    let json = HeaderValue::from_static("application/json");
    let request = client.post(url).header(CONTENT_TYPE, json.clone());
    match request.header(ACCEPT, json).body(body).send().await {
        Ok(response) => read(response).await,
        Err(error) => Exchanged::Failed(broken(error)),
    }
}

async fn read(mut response: Response) -> Exchanged {
    let status = response.status().as_u16();
    if status != 200 {
        return Exchanged::Failed(PointAnswer::from_reply(status, b""));
    }
    // Asked for nothing encoded, so whoever sends it was not asked this question.
    if response.headers().contains_key(CONTENT_ENCODING) {
        return Exchanged::Failed(PointAnswer::from_reply(status, b""));
    }
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() > MAX_REPLY => {
                return Exchanged::Failed(PointAnswer::failed(PointFailure::TooLong));
            }
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => break,
            Err(error) => return Exchanged::Failed(broken(error)),
        }
    }
    let answer = PointAnswer::from_reply(status, &body);
    match answer.kind() {
        dropgate_gate::decision::PointKind::Decision => Exchanged::Decided(answer),
        dropgate_gate::decision::PointKind::Failure => Exchanged::Failed(answer),
    }
}

fn broken(error: reqwest::Error) -> PointAnswer {
    let failure = if error.is_timeout() {
        PointFailure::TimedOut
    } else {
        PointFailure::Unreachable
    };
    PointAnswer::failed(failure).because(causes(&error.without_url()))
}

/// An error and what it comes from; the outermost alone seldom says what failed.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}

fn address(text: &str) -> Result<Url, PointRefused> {
    let refused = |why: &str| PointRefused::Url {
        url: text.to_owned(),
        why: why.to_owned(),
    };
    let url = Url::parse(text).map_err(|error| refused(&error.to_string()))?;
    match url.scheme() {
        "http" | "https" if url.host_str().is_none_or(str::is_empty) => Err(refused("no host")),
        "http" | "https" => Ok(url),
        other => Err(refused(&format!("the scheme is {other}"))),
    }
}
