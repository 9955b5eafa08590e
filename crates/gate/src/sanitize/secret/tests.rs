//! One row per rule that a table can't show by itself.

use super::*;
use crate::sanitize::tests::cut_by;

fn cleaned(text: &str) -> String {
    cut_by(mark, text)
}

/// Looks random, and has every kind of character that a token may have.
fn random(length: usize, alphabet: &[u8]) -> String {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    (0..length)
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            char::from(alphabet[(state >> 33) as usize % alphabet.len()])
        })
        .collect()
}

#[test]
fn every_prefixed_rule_finds_its_own_tokens() {
    for rule in PREFIXED {
        let alphabet: &[u8] = match rule.chars {
            rules::Chars::Hex => b"0123456789abcdef",
            rules::Chars::Upper => b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
            rules::Chars::Alnum
            | rules::Chars::Url
            | rules::Chars::Dotted
            | rules::Chars::Base64 => {
                b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
            }
        };
        let token = format!(
            "{}{}",
            rule.prefix,
            random(rule.least.max(20) + 6, alphabet)
        );
        for text in [
            format!("call failed with {token}"),
            format!("\"{token}\" is wrong"),
            format!(r"first\n{token}\nlast"),
            format!("k%3D{token}"),
        ] {
            let out = cleaned(&text);
            assert!(
                !out.contains(&token) && out.contains("[secret removed]"),
                "{}: {out}",
                rule.prefix
            );
        }
        let glued = format!("Xq7{token}");
        let _ = cleaned(&glued);
    }
}

#[test]
fn every_named_rule_finds_a_random_value() {
    for (name, _) in NAMED {
        let value = random(40, b"abcdef0123456789");
        let name = name.trim_end_matches(['=', '"', '\'']);
        for text in [
            format!("{name}={value}"),
            format!("{}: {value}", name.to_uppercase()),
            format!("{{\"{name}\": \"{value}\"}}"),
            format!(r#"{{\"{name}\": \"{value}\"}}"#),
        ] {
            if matches!(name, "sig" | "pass") && !text.contains(&format!("{name}=")) {
                continue;
            }
            let out = cleaned(&text);
            assert!(!out.contains(&value), "{name}: {out}");
        }
    }
}

#[test]
fn forms_are_found() {
    for (text, expected) in [
        (
            "a -----BEGIN RSA PRIVATE KEY-----\nMIIEow\nAAAA\n-----END RSA PRIVATE KEY----- b",
            "a [secret removed] b",
        ),
        (
            r"a -----BEGIN PRIVATE KEY-----\nMIIEow\n",
            "a [secret removed]",
        ),
        (
            "t eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc-DEF_1 u",
            "t [secret removed] u",
        ),
        (
            "Authorization: Bearer 8a7b6c5d4e3f2a1b",
            "Authorization: Bearer [secret removed]",
        ),
        (
            "curl -H 'X: Basic dXNlcjpwYXNz'",
            "curl -H 'X: Basic [secret removed]'",
        ),
        (
            "postgres://app:p@ss/w@db/x",
            "postgres://[secret removed]@db/x",
        ),
        ("https://u:p@host/a@b", "https://[secret removed]@host/a@b"),
        (
            "to 123456789:AAHk3lq9_abcdefghijklmnopqrstuvw1/send",
            "to [secret removed]/send",
        ),
        (
            "https://hooks.slack.com/services/T000/B000/abcdefghijkl",
            "https://hooks.slack.com/[secret removed]",
        ),
        (
            "Set-Cookie: sid=1; Path=/\nx",
            "Set-Cookie:[secret removed]\nx",
        ),
    ] {
        assert_eq!(cleaned(text), expected);
    }
}

#[test]
fn prose_about_credentials_stays() {
    for text in [
        "The Bearer token is missing from the request",
        "Basic authentication is required",
        "token: required field is missing",
        "Unexpected token } in JSON at position 12",
        "max_tokens: must be less than or equal to 4096",
        "https://registry.example/@scope/pkg",
        "secret `db-password` not found in namespace prod",
        "password: String must contain at least 8 character(s)",
        "author: Karen, tokenizer: gpt, session closed",
        "task SKIPPED, risk-based, disk-full",
        "e.g. this.is a test_of_something and live_view",
        "cookie: not set",
        "api_key: Field required [type=missing, input_value={}, input_type=dict]",
    ] {
        assert_eq!(cleaned(text), text);
    }
}
