//! The HTML report of `dropgate audit` in a real browser: its filters work, and nothing complains.
//!
//! The browser is driven through the pipe of its own debugging protocol: messages of JSON, each ended by a zero byte.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::bounded;
use crate::counterparts::Counterparts;
use crate::place::Place;
use crate::programs;
use crate::user::User;
use crate::verdicts::say;

const ANSWER: Duration = Duration::from_secs(60);

/// A server with a fault on nearly every line, one of them in code that tries to be a page, one accepted.
const SERVER: &str = "\
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { Pool } from 'pg';
const pool = new Pool({ password: process.env.DB_PASSWORD });
const server = new McpServer({ name: 'notes', version: '1.0.0' });
server.tool('delete_note', async ({ id }) => {
  console.log('</pre><script>console.error(document.title)</script>', id);
  try {
    await fetch('https://example.org/' + id, { method: 'DELETE' });
    return { content: [{ type: 'text', text: 'gone' }] };
  } catch (err) {
    return { content: [{ type: 'text', text: err.stack }] };
  }
});
await server.connect(new StdioServerTransport());
process.on('SIGTERM', () => process.exit(0));
process.on('SIGINT', () => process.exit(0)); // dropgate-ignore LIFE-002: only a terminal sends it
";

#[test]
fn the_report_works_in_a_browser() {
    let test = "the_report_works_in_a_browser";
    let Some(_installed) = Counterparts::find(test) else {
        return;
    };
    let place = Place::new(User::own());
    let folder = place.repository();
    std::fs::create_dir_all(folder.join("src")).unwrap();
    std::fs::write(folder.join("src/server.ts"), SERVER).unwrap();
    let mut audit = Command::new(programs::dropgate());
    audit.args(["audit", "--format", "html"]).arg(&folder);
    let page = folder.join("report.html");
    audit.stdout(std::fs::File::create(&page).unwrap());
    bounded::run(audit, ANSWER).expect("the audit ends");

    let mut browser = Browser::open(&page, &place.temporary());
    let all = browser.number("document.querySelectorAll('article').length");
    let accepted = browser.number("document.querySelectorAll('article[data-accepted]').length");
    assert!(all > 5.0, "{all} findings");
    assert_eq!(accepted, 1.0);
    assert_eq!(browser.shown(), all - accepted);
    let told = browser.evaluate("document.getElementById('shown').textContent");
    assert_eq!(told, json!(format!("{} of {all} shown", all - accepted)));

    browser.click("input[name=accepted]");
    assert_eq!(browser.shown(), all);
    browser.click("input[name=accepted]");

    for severity in ["high", "medium", "low", "info"] {
        let of = browser.number(&format!(
            "document.querySelectorAll('article[data-severity={severity}]:not([data-accepted])').length"
        ));
        browser.click(&format!("input[value={severity}]"));
        assert_eq!(browser.shown(), all - accepted - of, "{severity}");
        browser.click(&format!("input[value={severity}]"));
    }

    let choose = |rule: &str| {
        format!(
            "{{const s = document.querySelector('select[name=rule]'); s.value = '{rule}';
              s.dispatchEvent(new Event('input', {{bubbles: true}}));}} 0"
        )
    };
    browser.evaluate(&choose("ERR-001"));
    let only = "[...document.querySelectorAll('article')].every(it => it.hidden === (it.dataset.rule !== 'ERR-001'))";
    assert_eq!(browser.evaluate(only), json!(true));
    assert_eq!(browser.shown(), 1.0);
    browser.evaluate(&choose(""));

    browser.type_into("input[name=text]", "err.stack");
    let found = browser.shown();
    assert!(found >= 1.0 && found < all - accepted, "{found}");
    browser.type_into("input[name=text]", "");
    assert_eq!(browser.shown(), all - accepted);

    let picture = browser.call("Page.captureScreenshot", json!({}));
    let picture = picture["data"].as_str().expect("a picture");
    let picture = STANDARD.decode(picture).expect("base64");
    assert!(picture.starts_with(b"\x89PNG") && picture.len() > 10_000);
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join("audit-report.png");
    std::fs::write(&kept, picture).unwrap();
    say(&format!("{test}: {all} findings, {}", kept.display()));
    assert_eq!(browser.complaints, Vec::<String>::new());
}

/// A headless browser with one page.
struct Browser {
    child: Child,
    to: ChildStdin,
    from: Receiver<Value>,
    session: String,
    sent: u64,
    /// What the page wrote to its console as an error, threw, or was refused.
    complaints: Vec<String>,
}

impl Browser {
    fn open(page: &Path, profile: &Path) -> Self {
        // The protocol is spoken on descriptors 3 and 4.
        let script = "exec chromium --headless --disable-gpu --remote-debugging-pipe --window-size=1100,1400 \
                      --user-data-dir=\"$0\" ${1:+\"$1\"} 3<&0 4>&1 </dev/null >/dev/null 2>&1";
        let mut command = Command::new("sh");
        command.args(["-c", script]).arg(profile.join("chromium"));
        if User::own() == User::Root {
            command.arg("--no-sandbox");
        }
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("sh");
        let to = child.stdin.take().expect("a pipe");
        let messages = BufReader::new(child.stdout.take().expect("a pipe")).split(0);
        let (sender, from) = channel();
        std::thread::spawn(move || {
            for message in messages.map_while(Result::ok) {
                let message = serde_json::from_slice(&message).expect("JSON");
                if sender.send(message).is_err() {
                    break;
                }
            }
        });
        let mut browser = Self {
            child,
            to,
            from,
            session: String::new(),
            sent: 0,
            complaints: Vec::new(),
        };
        let target = browser.call("Target.createTarget", json!({"url": "about:blank"}));
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        let attached = browser.call("Target.attachToTarget", attach);
        browser.session = attached["sessionId"]
            .as_str()
            .expect("a session")
            .to_owned();
        for domain in ["Page.enable", "Runtime.enable", "Log.enable"] {
            browser.call(domain, json!({}));
        }
        let url = format!("file://{}", page.display());
        browser.call("Page.navigate", json!({"url": url}));
        browser.wait(|message| message["method"] == "Page.loadEventFired");
        browser
    }

    fn call(&mut self, method: &str, params: Value) -> Value {
        self.sent += 1;
        let id = self.sent;
        let mut message = json!({"id": id, "method": method, "params": params});
        if !self.session.is_empty() {
            message["sessionId"] = json!(self.session);
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        self.to.write_all(&bytes).expect("the browser listens");
        let answer = self.wait(|message| message["id"] == id);
        assert!(answer["error"].is_null(), "{method}: {answer}");
        answer["result"].clone()
    }

    fn wait(&mut self, is_it: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + ANSWER;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let message = self.from.recv_timeout(left).expect("the browser answers");
            let is_bad = match message["method"].as_str() {
                Some("Runtime.exceptionThrown") => true,
                Some("Runtime.consoleAPICalled") => message["params"]["type"] == "error",
                Some("Log.entryAdded") => message["params"]["entry"]["level"] != "info",
                Some(_) | None => false,
            };
            if is_bad {
                self.complaints.push(message["params"].to_string());
            }
            if is_it(&message) {
                return message;
            }
        }
    }

    fn evaluate(&mut self, script: &str) -> Value {
        let params = json!({"expression": script, "returnByValue": true});
        let answer = self.call("Runtime.evaluate", params);
        assert!(answer["exceptionDetails"].is_null(), "{script}: {answer}");
        answer["result"]["value"].clone()
    }

    fn number(&mut self, script: &str) -> f64 {
        self.evaluate(script).as_f64().expect("a number")
    }

    /// How many findings can be seen.
    fn shown(&mut self) -> f64 {
        self.number(
            "[...document.querySelectorAll('article')].filter(it => it.checkVisibility()).length",
        )
    }

    /// Presses the mouse on the middle of an element.
    fn click(&mut self, selector: &str) {
        let middle = format!(
            "{{const r = document.querySelector('{selector}').getBoundingClientRect();
              [r.x + r.width / 2, r.y + r.height / 2]}}"
        );
        let at = self.evaluate(&middle);
        for kind in ["mousePressed", "mouseReleased"] {
            let event =
                json!({"type": kind, "x": at[0], "y": at[1], "button": "left", "clickCount": 1});
            self.call("Input.dispatchMouseEvent", event);
        }
    }

    /// Puts text into a field in place of what is in it.
    fn type_into(&mut self, selector: &str, text: &str) {
        self.evaluate(&format!(
            "{{const f = document.querySelector('{selector}'); f.focus(); f.select();}} 0"
        ));
        if text.is_empty() {
            for kind in ["keyDown", "keyUp"] {
                let key = json!({"type": kind, "key": "Backspace", "code": "Backspace", "windowsVirtualKeyCode": 8});
                self.call("Input.dispatchKeyEvent", key);
            }
        } else {
            self.call("Input.insertText", json!({"text": text}));
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}
