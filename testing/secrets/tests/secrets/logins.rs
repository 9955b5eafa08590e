//! Every way to log in, with a value of the key-value engine as what is got for it.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::json;

use crate::bao::{Bao, ROOT, Wire};
use crate::base::Folder;
use crate::session::{Session, Start};

const VALUE: &str = "kv-value-\"quoted\"-\u{e9}-42";

/// What a run may do: read the value, and nothing else of note.
const POLICY: &str = "path \"secret/data/*\" { capabilities = [\"read\"] }";

#[test]
fn every_login_gets_the_value() {
    let Some(bao) = Bao::start("every_login_gets_the_value", Wire::Plain) else {
        return;
    };
    bao.ask(
        "POST",
        "secret/data/app",
        &json!({"data": {"value": VALUE, "other": 7}}),
    );
    bao.ask("PUT", "sys/policies/acl/app", &json!({"policy": POLICY}));
    for login in [token_file, wrapped_token, app_role, signed_token] {
        let folder = Folder::new();
        let table = login(&bao, &folder);
        let session = begin(&bao, &folder, &table, &[]);
        end(session, &table);
    }
}

#[test]
fn a_users_own_token_outlives_the_run_and_a_runs_own_does_not() {
    let Some(bao) = Bao::start(
        "a_users_own_token_outlives_the_run_and_a_runs_own_does_not",
        Wire::Plain,
    ) else {
        return;
    };
    bao.ask(
        "POST",
        "secret/data/app",
        &json!({"data": {"value": VALUE, "other": 7}}),
    );
    bao.ask("PUT", "sys/policies/acl/app", &json!({"policy": POLICY}));
    let tokens = || {
        let all = bao.ask("LIST", "auth/token/accessors", &json!({}));
        all["data"]["keys"].as_array().expect("a list").len()
    };
    let made = bao.ask("POST", "auth/token/create", &json!({"policies": ["app"]}));
    let own = made["auth"]["client_token"]
        .as_str()
        .expect("a token")
        .to_owned();
    for token in [own.as_str(), ROOT] {
        let before = tokens();
        let folder = Folder::new();
        let table = "token_env = \"MY_VAULT_LOGIN\"\n";
        let session = begin(&bao, &folder, table, &[("MY_VAULT_LOGIN", token)]);
        end(session, token);
        assert_eq!(tokens(), before, "a token of the run is left");
        let still = bao.try_to_ask("GET", "auth/token/lookup-self", token, "", &json!({}));
        assert!(still.is_ok(), "{still:?}");
    }
}

#[test]
fn a_vault_is_asked_over_tls_if_its_certificate_is_known() {
    let Some(bao) = Bao::start(
        "a_vault_is_asked_over_tls_if_its_certificate_is_known",
        Wire::Tls,
    ) else {
        return;
    };
    assert!(bao.run(&[
        "kv",
        "put",
        "-mount=secret",
        "app",
        &format!("value={VALUE}"),
        "other=7"
    ]));
    let folder = Folder::new();
    let trusted = format!("ca_file = \"{}\"\n", bao.roots().display());
    let variables = [("VAULT_TOKEN", ROOT)];
    let session = begin(&bao, &folder, &trusted, &variables);
    end(session, "tls");

    let mut refused = start(&bao, &folder, "", &variables);
    refused.send("initialize", &json!({}));
    let answer = refused.answer();
    assert!(answer.contains("certificate"), "{answer}");
    assert_eq!(refused.end().code(), Some(69));
}

fn token_file(bao: &Bao, folder: &Folder) -> String {
    let made = bao.ask("POST", "auth/token/create", &json!({"policies": ["app"]}));
    write(
        folder,
        "token",
        made["auth"]["client_token"].as_str().expect("a token"),
    );
    "token_file = \"token\"\n".to_owned()
}

fn wrapped_token(bao: &Bao, folder: &Folder) -> String {
    let body = json!({"policies": ["app"], "ttl": "5m"});
    let made = bao.try_to_ask("POST", "auth/token/create", ROOT, "60s", &body);
    let made = made.expect("a wrapped token");
    write(
        folder,
        "wrapped",
        made["wrap_info"]["token"].as_str().expect("a token"),
    );
    "wrapped_token_file = \"wrapped\"\n".to_owned()
}

fn app_role(bao: &Bao, folder: &Folder) -> String {
    bao.ask("POST", "sys/auth/approle", &json!({"type": "approle"}));
    bao.ask(
        "POST",
        "auth/approle/role/app",
        &json!({"token_policies": ["app"]}),
    );
    let role = bao.ask("GET", "auth/approle/role/app/role-id", &json!({}));
    let secret = bao.ask("POST", "auth/approle/role/app/secret-id", &json!({}));
    write(
        folder,
        "secret-id",
        secret["data"]["secret_id"].as_str().expect("an id"),
    );
    let role = role["data"]["role_id"].as_str().expect("an id");
    format!("[vault.approle]\nrole_id = \"{role}\"\nsecret_id_file = \"secret-id\"\n")
}

fn signed_token(bao: &Bao, folder: &Folder) -> String {
    let key = SigningKey::from_bytes(&[7; 32]);
    // What stands before an Ed25519 key in the format that PEM holds.
    let mut public = b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00".to_vec();
    public.extend_from_slice(key.verifying_key().as_bytes());
    let encoded = STANDARD.encode(public);
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{encoded}\n-----END PUBLIC KEY-----\n");
    bao.ask("POST", "sys/auth/platform", &json!({"type": "jwt"}));
    bao.ask(
        "POST",
        "auth/platform/config",
        &json!({"jwt_validation_pubkeys": [pem]}),
    );
    let role = json!({
        "role_type": "jwt", "bound_audiences": ["dropgate"], "user_claim": "sub",
        "token_policies": ["app"],
    });
    bao.ask("POST", "auth/platform/role/app", &role);
    let now = std::time::SystemTime::UNIX_EPOCH
        .elapsed()
        .expect("a time")
        .as_secs();
    let claims =
        json!({"aud": "dropgate", "sub": "pod", "iat": now, "nbf": now - 60, "exp": now + 600});
    let part = |text: String| URL_SAFE_NO_PAD.encode(text);
    let head = part(json!({"alg": "EdDSA", "typ": "JWT"}).to_string());
    let signed = format!("{head}.{}", part(claims.to_string()));
    let signature = URL_SAFE_NO_PAD.encode(key.sign(signed.as_bytes()).to_bytes());
    write(folder, "jwt", &format!("{signed}.{signature}"));
    "[vault.kubernetes]\nrole = \"app\"\ntoken_file = \"jwt\"\nmount = \"platform\"\n".to_owned()
}

fn begin(bao: &Bao, folder: &Folder, table: &str, variables: &[(&str, &str)]) -> Session {
    let mut session = start(bao, folder, table, variables);
    session.open();
    assert_eq!(session.credential("API"), VALUE, "{table}");
    session
}

fn start(bao: &Bao, folder: &Folder, table: &str, variables: &[(&str, &str)]) -> Session {
    let configuration = format!(
        "[secrets.API]\nkv = \"secret/data/app\"\nfield = \"value\"\n\
         [vault]\naddress = \"{}\"\n{table}",
        bao.url()
    );
    Session::start(Start {
        folder,
        configuration: &configuration,
        variables,
        stderr: None,
    })
}

fn end(mut session: Session, what: &str) {
    session.close_stdin();
    let status = session.end();
    assert!(status.success(), "{what}: {status}; {}", session.stderr());
}

fn write(folder: &Folder, name: &str, text: &str) {
    std::fs::write(folder.path().join(name), format!("{text}\n")).expect("a file");
}
