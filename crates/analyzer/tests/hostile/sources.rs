//! Sources that are written to take long, one of each kind in each language.

use dropgate_analyzer::facts::Language;

/// A kind of source.
pub(crate) struct Kind {
    /// What there is much of.
    pub(crate) name: &'static str,
    /// The text of so many of it, without what a server needs.
    pub(crate) text: fn(Language, usize) -> String,
    /// How many make a source that takes long.
    pub(crate) size: usize,
}

/// Every kind.
pub(crate) const KINDS: &[Kind] = &[
    Kind {
        name: "statements in one function",
        text: |language, size| inside(language, &many(size, |at| call(language, at))),
        size: 20_000,
    },
    Kind {
        name: "functions",
        text: |language, size| many(size, |at| function(language, at)),
        size: 20_000,
    },
    Kind {
        name: "functions that each call the one after it",
        text: |language, size| many(size, |at| link(language, at)),
        size: 20_000,
    },
    Kind {
        name: "closures",
        text: |language, size| inside(language, &many(size, |at| closure(language, at))),
        size: 10_000,
    },
    Kind {
        name: "blocks in blocks",
        text: |language, size| inside(language, &nested_blocks(language, size)),
        size: 5_000,
    },
    Kind {
        name: "calls in calls",
        text: |language, size| inside(language, &value(language, &nested("f(", "1", ")", size))),
        size: 5_000,
    },
    Kind {
        name: "choices in choices",
        text: |language, size| inside(language, &value(language, &choices(language, size))),
        size: 5_000,
    },
    Kind {
        name: "a chain of calls",
        text: |language, size| {
            inside(
                language,
                &value(language, &format!("(a{})", "\n.b()".repeat(size))),
            )
        },
        size: 20_000,
    },
    Kind {
        name: "strings joined",
        text: |language, size| {
            inside(
                language,
                &value(language, &format!("(\"a\"{})", " +\n\"b\"".repeat(size))),
            )
        },
        size: 50_000,
    },
    Kind {
        name: "templates",
        text: |language, size| inside(language, &value(language, &templates(language, size))),
        size: 5_000,
    },
    Kind {
        name: "sums in one variable",
        text: |language, size| inside(language, &sums(language, size)),
        size: 20_000,
    },
    Kind {
        name: "one long line",
        text: |language, size| inside(language, &value(language, &list(language, size))),
        size: 400_000,
    },
    Kind {
        name: "findings",
        text: |language, size| many(size, |at| finding(language, at)),
        size: 30_000,
    },
    Kind {
        name: "requests in one function",
        text: |language, size| inside(language, &many(size, |at| request(language, at))),
        size: 10_000,
    },
    Kind {
        name: "callers of one function that asks",
        text: |language, size| {
            let asks = asking(language);
            format!("{asks}{}", many(size, |at| asker(language, at)))
        },
        size: 10_000,
    },
    Kind {
        name: "failures caught",
        text: |language, size| inside(language, &many(size, |at| caught(language, at))),
        size: 5_000,
    },
    Kind {
        name: "failures told by one long function",
        text: |language, size| {
            let body = many(size, |at| looked_at(language, at));
            let caught = many(size, |at| told(language, at));
            format!("{}{}", telling(language, &body), inside(language, &caught))
        },
        size: 5_000,
    },
    Kind {
        name: "failures kept in one variable",
        text: |language, size| {
            let caught = many(size, |at| kept(language, at));
            inside(language, &format!("{}{caught}", variable(language)))
        },
        size: 5_000,
    },
    Kind {
        name: "failures answered by one variable",
        text: |language, size| {
            let caught = many(size, |at| answered(language, at));
            inside(language, &format!("{}{caught}", variable(language)))
        },
        size: 5_000,
    },
    Kind {
        name: "methods",
        text: methods,
        size: 10_000,
    },
    Kind {
        name: "hooks for the end",
        text: |language, size| inside(language, &many(size, |at| hook(language, at))),
        size: 3_000,
    },
    Kind {
        name: "servers",
        text: |language, size| many(size, |at| server(language, at)),
        size: 500,
    },
    Kind {
        name: "lists of lists around a secret",
        text: lists,
        size: 400,
    },
    Kind {
        name: "lists of what is forbidden",
        text: |language, size| inside(language, &many(size, |at| forbidden(language, at))),
        size: 5_000,
    },
    Kind {
        name: "comments that ignore",
        text: |language, size| {
            let mark = if language == Language::Python {
                "#"
            } else {
                "//"
            };
            let comment = format!("{mark} dropgate-ignore IO-001: it is meant\n");
            comment.repeat(size)
        },
        size: 20_000,
    },
];

/// A whole source: a server, and so much of a kind.
pub(crate) fn source(kind: &Kind, language: Language, size: usize) -> String {
    format!("{}{}", frame(language), (kind.text)(language, size))
}

/// Where a source of a language lies.
pub(crate) fn path(language: Language) -> &'static str {
    match language {
        Language::TypeScript => "src/server.ts",
        Language::Python => "server/main.py",
        Language::Rust => "src/main.rs",
        Language::Go => "main.go",
    }
}

/// A server that answers one tool by `big`.
fn frame(language: Language) -> String {
    let text = match language {
        Language::TypeScript => {
            r#"import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
const server = new McpServer({ name: "hostile", version: "1" });
server.registerTool("query", {}, async (args) => { return big(args); });
await server.connect(new StdioServerTransport());
"#
        }
        Language::Python => {
            r#"import os, requests, signal, subprocess
from mcp.server.fastmcp import FastMCP
mcp = FastMCP("hostile")
@mcp.tool()
async def query(x):
    return big(x)
def main():
    mcp.run()
"#
        }
        Language::Rust => {
            r#"use rmcp::{ServiceExt, transport::stdio, tool};
#[tokio::main]
async fn main() { let s = Server::new().serve(stdio()).await.unwrap(); s.waiting().await.unwrap(); }
impl Server { #[tool] async fn query(&self, x: String) -> String { big(x) } }
"#
        }
        Language::Go => {
            r#"package main
import ("context"; "fmt"; "net/http"; "os"; "os/signal"; "syscall"; "github.com/mark3labs/mcp-go/mcp"; "github.com/mark3labs/mcp-go/server")
func main() {
	s := server.NewMCPServer("hostile", "1")
	s.AddTool(mcp.NewTool("query"), func(ctx context.Context, r mcp.CallToolRequest) (*mcp.CallToolResult, error) { return big(r) })
	server.ServeStdio(s)
}
"#
        }
    };
    text.to_owned()
}

fn many(size: usize, make: impl Fn(usize) -> String) -> String {
    (0..size).map(make).collect()
}

fn nested(open: &str, inner: &str, close: &str, size: usize) -> String {
    format!("{}{inner}{}", open.repeat(size), close.repeat(size))
}

/// The function `big` with a body.
fn inside(language: Language, body: &str) -> String {
    match language {
        Language::TypeScript => format!("async function big(x) {{\n{body}\n}}\n"),
        Language::Python => format!("def big(x):\n{body}\n"),
        Language::Rust => format!("async fn big(x: String) -> String {{\n{body}\n}}\n"),
        Language::Go => format!("func big(x any) (any, error) {{\n{body}\n}}\n"),
    }
}

fn value(language: Language, value: &str) -> String {
    match language {
        Language::TypeScript | Language::Rust => format!("let v = {value};\n"),
        Language::Python => format!(" v = {value}\n"),
        Language::Go => format!("v := {value}\n"),
    }
}

fn call(language: Language, at: usize) -> String {
    match language {
        Language::TypeScript => format!("const v{at} = await f{at}(x);\n"),
        Language::Python => format!(" v{at} = f{at}(x)\n"),
        Language::Rust => format!("let v{at} = f{at}(x).await?;\n"),
        Language::Go => format!("v{at} := f{at}(x)\n"),
    }
}

fn function(language: Language, at: usize) -> String {
    match language {
        Language::TypeScript => format!("async function f{at}(x) {{ return g(x); }}\n"),
        Language::Python => format!("def f{at}(x):\n return g(x)\n"),
        Language::Rust => format!("async fn f{at}(x: u32) -> u32 {{ g(x) }}\n"),
        Language::Go => format!("func f{at}(x int) int {{ return g(x) }}\n"),
    }
}

fn link(language: Language, at: usize) -> String {
    let next = at + 1;
    let name = if at == 0 {
        String::from("big")
    } else {
        format!("f{at}")
    };
    match language {
        Language::TypeScript => format!("async function {name}(x) {{ return f{next}(x); }}\n"),
        Language::Python => format!("def {name}(x):\n return f{next}(x)\n"),
        Language::Rust => format!("async fn {name}(x: u32) -> u32 {{ f{next}(x).await }}\n"),
        Language::Go => format!("func {name}(x any) (any, error) {{ return f{next}(x) }}\n"),
    }
}

fn closure(language: Language, at: usize) -> String {
    match language {
        Language::TypeScript => format!("const c{at} = async () => {{ await f(x); }};\n"),
        Language::Python => format!(" c{at} = lambda: f(x)\n"),
        Language::Rust => format!("let c{at} = async || {{ f(x).await; }};\n"),
        Language::Go => format!("c{at} := func() {{ f(x) }}\n"),
    }
}

fn nested_blocks(language: Language, size: usize) -> String {
    match language {
        Language::TypeScript => nested("if (x) {\n", "f();", "}\n", size),
        Language::Python => {
            // Each level is one deeper to the right, so that text grows with the square; a few hundred are refused already.
            let size = size.min(1_500);
            let mut text: String = (1..=size)
                .map(|at| format!("{}if x:\n", " ".repeat(at)))
                .collect();
            text.push_str(&" ".repeat(size + 1));
            text.push_str("f()\n");
            text
        }
        Language::Rust | Language::Go => nested("if x {\n", "f();", "}\n", size),
    }
}

fn choices(language: Language, size: usize) -> String {
    match language {
        Language::TypeScript => nested("x ? 1\n : ", "2", "", size),
        Language::Python => nested("1 if x else ", "2", "", size),
        Language::Rust => nested("if x { 1 } else ", "{ 2 }", "", size),
        Language::Go => nested("f(x) || ", "x", "", size),
    }
}

fn templates(language: Language, size: usize) -> String {
    match language {
        Language::TypeScript => nested("`${", "x", "}`", size),
        Language::Python => format!("f\"{}\"", "{x}".repeat(size)),
        Language::Rust => format!("format!(\"{}\")", "{x}".repeat(size)),
        Language::Go => format!("fmt.Sprintf(\"{}\")", "%s".repeat(size)),
    }
}

fn sums(language: Language, size: usize) -> String {
    let (first, next) = match language {
        Language::TypeScript => ("let s = \"\";\n", "s = s + \"a\" + x;\n"),
        Language::Python => (" s = ''\n", " s = s + 'a' + x\n"),
        Language::Rust => ("let mut s = String::new();\n", "s = s + \"a\" + x;\n"),
        Language::Go => ("s := \"\"\n", "s = s + \"a\" + x\n"),
    };
    format!("{first}{}", next.repeat(size))
}

fn list(language: Language, size: usize) -> String {
    let items = "1234, ".repeat(size);
    match language {
        Language::TypeScript | Language::Python => format!("[{items}]"),
        Language::Rust => format!("[{items}]"),
        Language::Go => format!("[]int{{{items}}}"),
    }
}

/// A client that is kept, of a secret behind variables that each name the one before so many times.
fn lists(language: Language, size: usize) -> String {
    let around = |name: &str, inner: &str| {
        let items = format!("{inner}, ").repeat(size);
        match language {
            Language::TypeScript => format!("const {name} = [{items}];\n"),
            Language::Python => format!(" {name} = [{items}]\n"),
            Language::Rust => format!("let {name} = [{items}];\n"),
            Language::Go => format!("{name} := []any{{{items}}}\n"),
        }
    };
    let pairs = [("a", "x"), ("b", "a"), ("c", "b"), ("d", "c")];
    let all: String = pairs.map(|(name, inner)| around(name, inner)).concat();
    match language {
        Language::TypeScript => {
            let body = format!("{all}client = new Client(d.client_secret);\n");
            format!("let client;\n{}", inside(language, &body))
        }
        Language::Python | Language::Rust | Language::Go => inside(language, &all),
    }
}

fn forbidden(language: Language, at: usize) -> String {
    match language {
        Language::TypeScript => format!(
            "denylist = [];\ntry {{ denylist = await f{at}(x); }} catch (e) {{ console.error(\"unread\"); }}\n"
        ),
        Language::Python => format!(
            " denylist = []\n try:\n  denylist = f{at}(x)\n except OSError:\n  logging.error('unread')\n"
        ),
        Language::Rust => format!(
            "denylist = Vec::new();\nif f{at}(&mut denylist).await.is_err() {{ eprintln!(\"unread\"); }}\n"
        ),
        Language::Go => format!(
            "denylist = nil\nif list, err := f{at}(x); err != nil {{ fmt.Fprintln(os.Stderr, \"unread\") }} else {{ denylist = list }}\n"
        ),
    }
}

fn finding(language: Language, at: usize) -> String {
    match language {
        Language::TypeScript if at == 0 => String::from("function big() {}\nconsole.log(0);\n"),
        Language::TypeScript => format!("console.log({at});\n"),
        Language::Python => format!("print({at})\n"),
        Language::Rust => format!(
            "impl Server {{ #[tool] async fn t{at}(&self) -> String {{ println!(\"{at}\"); String::new() }} }}\n"
        ),
        Language::Go if at == 0 => {
            String::from("func big(x any) (any, error) { fmt.Println(0); f1(); return nil, nil }\n")
        }
        Language::Go => format!("func f{at}() {{ fmt.Println({at}); f{}() }}\n", at + 1),
    }
}

fn request(language: Language, at: usize) -> String {
    match language {
        Language::TypeScript => format!("await fetch(\"https://a/{at}\");\n"),
        Language::Python => format!(" requests.get('https://a/{at}')\n"),
        Language::Rust => format!("reqwest::get(\"https://a/{at}\").await;\n"),
        Language::Go => format!("http.Get(\"https://a/{at}\")\n"),
    }
}

fn asking(language: Language) -> String {
    match language {
        Language::TypeScript => "async function big(x) { await fetch(x); }\n",
        Language::Python => "def big(x):\n requests.get(x)\n",
        Language::Rust => "async fn big(x: &str) { reqwest::get(x).await; }\n",
        Language::Go => "func big(x any) (any, error) { http.Get(x); return nil, nil }\n",
    }
    .to_owned()
}

fn asker(language: Language, at: usize) -> String {
    match language {
        Language::TypeScript => format!("async function a{at}() {{ await big({at}); }}\n"),
        Language::Python => format!("def a{at}():\n big({at})\n"),
        Language::Rust => format!("async fn a{at}() {{ big(\"{at}\").await; }}\n"),
        Language::Go => format!("func a{at}() {{ big({at}) }}\n"),
    }
}

fn caught(language: Language, at: usize) -> String {
    match language {
        Language::TypeScript => format!(
            "try {{ await f{at}(x); }} catch (e) {{ return {{ content: [{{ type: \"text\", text: e.message }}] }}; }}\n"
        ),
        Language::Python => {
            format!(" try:\n  f{at}(x)\n except Exception as e:\n  return str(e)\n")
        }
        Language::Rust => {
            format!("match f{at}(x).await {{ Ok(v) => v, Err(e) => return e.to_string() }};\n")
        }
        Language::Go => format!(
            "if err := f{at}(x); err != nil {{ return mcp.NewToolResultError(err.Error()), nil }}\n"
        ),
    }
}

fn methods(language: Language, size: usize) -> String {
    match language {
        Language::TypeScript => {
            let methods = many(size, |at| {
                format!("m{at}() {{ return this.m{}(); }}\n", at + 1)
            });
            format!("class C {{\n{methods}}}\nfunction big(x) {{ return new C().m0(); }}\n")
        }
        Language::Python => {
            let methods = many(size, |at| {
                format!(" def m{at}(self):\n  return self.m{}()\n", at + 1)
            });
            format!("class C:\n{methods}\ndef big(x):\n return C().m0()\n")
        }
        Language::Rust => {
            let methods = many(size, |at| {
                format!("fn m{at}(&self) {{ self.m{}() }}\n", at + 1)
            });
            format!("struct C;\nimpl C {{\n{methods}}}\nfn big(x: u32) {{ C.m0() }}\n")
        }
        Language::Go => {
            let methods = many(size, |at| {
                format!("func (c *C) m{at}() {{ c.m{}() }}\n", at + 1)
            });
            format!("type C struct{{}}\n{methods}func big(x any) {{ (&C{{}}).m0() }}\n")
        }
    }
}

/// The function `tell`, which is given errors.
fn telling(language: Language, body: &str) -> String {
    match language {
        Language::TypeScript => format!("function tell(e) {{\n{body}return e.message;\n}}\n"),
        Language::Python => format!("def tell(e):\n{body} return str(e)\n"),
        Language::Rust => {
            format!("fn tell(e: std::io::Error) -> String {{\n{body}e.to_string()\n}}\n")
        }
        Language::Go => format!("func tell(e error) string {{\n{body}return e.Error()\n}}\n"),
    }
}

fn looked_at(language: Language, at: usize) -> String {
    match language {
        Language::TypeScript => format!("const v{at} = f{at}(e);\n"),
        Language::Python => format!(" v{at} = f{at}(e)\n"),
        Language::Rust => format!("let v{at} = f{at}(&e);\n"),
        Language::Go => format!("v{at} := f{at}(e)\n"),
    }
}

fn told(language: Language, at: usize) -> String {
    match language {
        Language::TypeScript => {
            format!("try {{ await f{at}(x); }} catch (e) {{ return tell(e); }}\n")
        }
        Language::Python => {
            format!(" try:\n  f{at}(x)\n except Exception as e:\n  return tell(e)\n")
        }
        Language::Rust => format!("if let Err(e) = f{at}(&x) {{ return tell(e); }}\n"),
        Language::Go => {
            format!(
                "if err := f{at}(x); err != nil {{ return mcp.NewToolResultError(tell(err)), nil }}\n"
            )
        }
    }
}

/// The variable that all failures share.
fn variable(language: Language) -> &'static str {
    match language {
        Language::TypeScript => "let v;\n",
        Language::Python => " v = None\n",
        Language::Rust => "let mut v = String::new();\n",
        Language::Go => "v := \"\"\n",
    }
}

fn kept(language: Language, at: usize) -> String {
    match language {
        Language::TypeScript => {
            format!("try {{ await f{at}(x); }} catch (e) {{ v = e.message; }}\ng{at}(v);\n")
        }
        Language::Python => {
            format!(" try:\n  f{at}(x)\n except Exception as e:\n  v = str(e)\n g{at}(v)\n")
        }
        Language::Rust => {
            format!("if let Err(e) = f{at}(&x) {{ v = e.to_string(); }}\ng{at}(&v);\n")
        }
        Language::Go => {
            format!("if err := f{at}(x); err != nil {{ v = err.Error() }}\ng{at}(v)\n")
        }
    }
}

fn answered(language: Language, at: usize) -> String {
    match language {
        Language::TypeScript => {
            format!("try {{ await f{at}(x); }} catch (e) {{ v = \"failed {at}\"; return v; }}\n")
        }
        Language::Python => {
            format!(" try:\n  f{at}(x)\n except Exception as e:\n  v = 'failed {at}'\n  return v\n")
        }
        Language::Rust => format!(
            "if let Err(e) = f{at}(&x) {{ v = String::from(\"failed {at}\"); return v; }}\n"
        ),
        Language::Go => format!(
            "if err := f{at}(x); err != nil {{ v = \"failed {at}\"; return mcp.NewToolResultText(v), nil }}\n"
        ),
    }
}

fn hook(language: Language, at: usize) -> String {
    match language {
        Language::TypeScript => {
            format!("process.on(\"SIGTERM\", () => {{ f{at}(); process.exit(0); }});\n")
        }
        Language::Python => {
            format!(" signal.signal(signal.SIGTERM, lambda s, f: os._exit({at}))\n")
        }
        Language::Rust => format!(
            "tokio::spawn(async move {{ tokio::signal::ctrl_c().await; std::process::exit({at}); }});\n"
        ),
        Language::Go => format!(
            "c{at} := make(chan os.Signal, 1); signal.Notify(c{at}, syscall.SIGTERM); go func() {{ <-c{at}; os.Exit({at}) }}()\n"
        ),
    }
}

fn server(language: Language, at: usize) -> String {
    match language {
        Language::TypeScript => format!(
            "async function serve{at}() {{ const s = new McpServer({{ name: \"{at}\", version: \"1\" }}); await s.connect(new StdioServerTransport()); }}\nserve{at}();\n"
        ),
        Language::Python => format!("def serve{at}():\n FastMCP(\"{at}\").run()\nserve{at}()\n"),
        Language::Rust => format!(
            "async fn serve{at}() {{ Server::new().serve(stdio()).await.unwrap().waiting().await; }}\n"
        ),
        Language::Go => format!(
            "func serve{at}() {{ server.ServeStdio(server.NewMCPServer(\"{at}\", \"1\")) }}\n"
        ),
    }
}
