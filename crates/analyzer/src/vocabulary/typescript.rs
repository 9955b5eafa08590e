//! Names of TypeScript and JavaScript libraries.

use super::Role::{
    All, AwaitSignal, Bound, Breaker, Client, Environment, Every, Exit, Kill, Later, Lease, Log,
    OnSignal, OnStdin, OnStop, Open, Outbound, Responder, Retry, Revoke, Same, Serve, Server,
    Settle, Spawn, Stdout, Transport, Wiping,
};
use super::{Child, Ending, Kind, Limit, Remote, Row, Serving, Wire};

const HTTP_LIMITS: &[&str] = &["signal", "timeout"];
const AXIOS_LIMITS: &[&str] = &["signal", "timeout", "cancelToken"];
const SQL_LIMITS: &[&str] = &[
    "connectionTimeoutMillis",
    "statement_timeout",
    "query_timeout",
    "timeout",
];

/// What `@modelcontextprotocol/sdk` 1.x brings with it, as its package.json has it: npm puts it where a server can import it
/// without a word in its own manifest, and servers do. None of it handles signals.
pub const OF_THE_SDK: &[&str] = &[
    "@hono/node-server",
    "ajv",
    "ajv-formats",
    "content-type",
    "cors",
    "cross-spawn",
    "eventsource",
    "eventsource-parser",
    "express",
    "express-rate-limit",
    "hono",
    "jose",
    "json-schema-typed",
    "pkce-challenge",
    "raw-body",
    "zod",
    "zod-to-json-schema",
];

/// The package that brings [`OF_THE_SDK`].
pub const SDK: &str = "@modelcontextprotocol/sdk";

/// The reviewed rows.
pub const ROWS: &[Row] = &[
    // The process.
    Row("process.exit", Exit),
    Row("process.abort", Exit),
    Row("process.reallyExit", Exit),
    Row("Deno.exit", Exit),
    Row(
        "process.on",
        OnSignal {
            signal: 0,
            function: 1,
        },
    ),
    Row(
        "process.once",
        OnSignal {
            signal: 0,
            function: 1,
        },
    ),
    Row(
        "process.addListener",
        OnSignal {
            signal: 0,
            function: 1,
        },
    ),
    Row(
        "process.prependListener",
        OnSignal {
            signal: 0,
            function: 1,
        },
    ),
    Row(
        "process.prependOnceListener",
        OnSignal {
            signal: 0,
            function: 1,
        },
    ),
    Row(
        "Deno.addSignalListener",
        OnSignal {
            signal: 0,
            function: 1,
        },
    ),
    Row("events.once", AwaitSignal(None)),
    Row(
        "process.stdin.on",
        OnStdin {
            event: 0,
            function: 1,
        },
    ),
    Row(
        "process.stdin.once",
        OnStdin {
            event: 0,
            function: 1,
        },
    ),
    Row(
        "process.stdin.addListener",
        OnStdin {
            event: 0,
            function: 1,
        },
    ),
    // Libraries that handle the signals and end the process.
    Row("close-with-grace*", OnStop(Ending::Waits)),
    Row("exit-hook*", OnStop(Ending::AtOnce)),
    Row("exit-hook.asyncExitHook", OnStop(Ending::Waits)),
    Row("exit-hook.gracefulExit", Exit),
    Row("async-exit-hook*", OnStop(Ending::Waits)),
    Row("signal-exit*", OnStop(Ending::AtOnce)),
    Row("node-cleanup*", OnStop(Ending::AtOnce)),
    Row("node-graceful*.on", OnStop(Ending::Waits)),
    Row("death*()", OnStop(Ending::AtOnce)),
    Row("http-graceful-shutdown*", OnStop(Ending::Waits)),
    Row("@godaddy/terminus*.createTerminus", OnStop(Ending::Waits)),
    Row(
        "lightship*.createLightship().registerShutdownHandler",
        OnStop(Ending::Waits),
    ),
    // Serving.
    Row("*StdioServerTransport", Transport(Wire::Stdio)),
    Row("*StreamableHTTPServerTransport", Transport(Wire::Http)),
    Row(
        "*WebStandardStreamableHTTPServerTransport",
        Transport(Wire::Http),
    ),
    Row("*NodeStreamableHTTPServerTransport", Transport(Wire::Http)),
    Row("*SSEServerTransport", Transport(Wire::Http)),
    Row(
        "@modelcontextprotocol/*createMcpHandler",
        Transport(Wire::Http),
    ),
    Row("@modelcontextprotocol/*.McpServer", Server),
    Row("@modelcontextprotocol/*.Server", Server),
    Row(
        "@modelcontextprotocol/*Server().connect",
        Serve(Serving::ByArgument),
    ),
    Row(
        "@modelcontextprotocol/*.serveStdio",
        Serve(Serving::Over(Wire::Stdio)),
    ),
    Row("fastmcp.FastMCP", Server),
    Row("fastmcp.FastMCP().start", Serve(Serving::Over(Wire::Stdio))),
    Row(
        "mcp-framework.MCPServer().start",
        Serve(Serving::Guarded(Wire::Stdio)),
    ),
    Row("express.default().listen", Serve(Serving::Over(Wire::Http))),
    Row("express().listen", Serve(Serving::Over(Wire::Http))),
    Row(
        "http.createServer().listen",
        Serve(Serving::Over(Wire::Http)),
    ),
    Row(
        "https.createServer().listen",
        Serve(Serving::Over(Wire::Http)),
    ),
    Row("fastify*().listen", Serve(Serving::Over(Wire::Http))),
    Row(
        "@smithery/sdk*.createStatefulServer().app.listen",
        Serve(Serving::Over(Wire::Http)),
    ),
    Row(
        "@smithery/sdk*.createStatelessServer().app.listen",
        Serve(Serving::Over(Wire::Http)),
    ),
    Row("@hono/node-server.serve", Serve(Serving::Over(Wire::Http))),
    Row("*.setRequestHandler", Responder),
    Row("*.registerTool", Responder),
    Row("*.registerPrompt", Responder),
    Row("*.registerResource", Responder),
    Row("@modelcontextprotocol/*Server().tool", Responder),
    Row("@modelcontextprotocol/*Server().prompt", Responder),
    Row("@modelcontextprotocol/*Server().resource", Responder),
    Row("fastmcp.FastMCP().addTool", Responder),
    Row("@rekog/mcp-nest.Tool", Responder),
    Row("@rekog/mcp-nest.Prompt", Responder),
    Row("@rekog/mcp-nest.Resource", Responder),
    Row("@rekog/mcp-nest.ResourceTemplate", Responder),
    // What is opened.
    Row(
        "@elastic/elasticsearch*.Client().*",
        Outbound(Remote::Http, Limit::Default),
    ),
    Row(
        "@opensearch-project/opensearch*.Client().*",
        Outbound(Remote::Http, Limit::Default),
    ),
    Row("pg*.Pool", Open(Kind::Pool)),
    Row("pg*.Client", Open(Kind::Pool)),
    Row("mysql2*.createPool", Open(Kind::Pool)),
    Row("mysql2*.createConnection", Open(Kind::Pool)),
    Row("mysql*.createPool", Open(Kind::Pool)),
    Row("mysql*.createConnection", Open(Kind::Pool)),
    Row("mariadb*.createPool", Open(Kind::Pool)),
    Row("mariadb*.createConnection", Open(Kind::Pool)),
    Row("mssql*.ConnectionPool", Open(Kind::Pool)),
    Row("mssql*.connect", Open(Kind::Pool)),
    Row("mongodb*.MongoClient", Open(Kind::Pool)),
    Row("mongoose*.connect", Open(Kind::Pool)),
    Row("ioredis", Open(Kind::Pool)),
    Row("ioredis.default", Open(Kind::Pool)),
    Row("ioredis.Redis", Open(Kind::Pool)),
    Row("ioredis.Cluster", Open(Kind::Pool)),
    Row("ioredis.default.Cluster", Open(Kind::Pool)),
    Row("redis*.createClient", Open(Kind::Pool)),
    Row("redis*.createCluster", Open(Kind::Pool)),
    Row("falkordb*.FalkorDB.connect", Open(Kind::Pool)),
    Row("knex", Open(Kind::Pool)),
    Row("knex.default", Open(Kind::Pool)),
    Row("knex.knex", Open(Kind::Pool)),
    Row("postgres.default", Open(Kind::Pool)),
    Row("@prisma/client*.PrismaClient", Open(Kind::Pool)),
    Row("better-sqlite3", Open(Kind::Pool)),
    Row("better-sqlite3.default", Open(Kind::Pool)),
    Row("sequelize*.Sequelize", Open(Kind::Pool)),
    Row("typeorm*.DataSource", Open(Kind::Pool)),
    Row("cassandra-driver*.Client", Open(Kind::Pool)),
    Row("amqplib*.connect", Open(Kind::Pool)),
    Row("nats*.connect", Open(Kind::Pool)),
    Row("kafkajs*.Kafka().producer", Open(Kind::Pool)),
    Row("kafkajs*.Kafka().consumer", Open(Kind::Pool)),
    Row("snowflake-sdk*.createConnection", Open(Kind::Pool)),
    Row("neo4j-driver*.driver", Open(Kind::Pool)),
    Row("oracledb*.createPool", Open(Kind::Pool)),
    Row("puppeteer*.launch", Open(Kind::Browser)),
    Row("playwright*.launch", Open(Kind::Browser)),
    Row("playwright*.launchPersistentContext", Open(Kind::Browser)),
    Row("net.connect", Open(Kind::Listener)),
    Row("net.createConnection", Open(Kind::Listener)),
    Row("tls.connect", Open(Kind::Listener)),
    Row("http2.connect", Open(Kind::Listener)),
    Row("chokidar*.watch", Open(Kind::Listener)),
    Row("fs.watch", Open(Kind::Listener)),
    Row("ws*.WebSocketServer", Open(Kind::Listener)),
    Row("ws", Open(Kind::Listener)),
    Row("ws*.WebSocket", Open(Kind::Listener)),
    Row("socket.io-client.io", Open(Kind::Listener)),
    Row("mqtt*.connect", Open(Kind::Listener)),
    Row("node-cron*.schedule", Open(Kind::Listener)),
    Row("cron.CronJob", Open(Kind::Listener)),
    Row("node-schedule*.scheduleJob", Open(Kind::Listener)),
    Row("discord.js*.Client", Open(Kind::Listener)),
    Row("telegraf*.Telegraf", Open(Kind::Listener)),
    Row("@slack/socket-mode*.SocketModeClient", Open(Kind::Listener)),
    Row("@opentelemetry/sdk-node*.NodeSDK", Open(Kind::Telemetry)),
    Row("@opentelemetry/*.NodeTracerProvider", Open(Kind::Telemetry)),
    Row(
        "@opentelemetry/*.BasicTracerProvider",
        Open(Kind::Telemetry),
    ),
    Row("@opentelemetry/*.MeterProvider", Open(Kind::Telemetry)),
    Row("pino*.transport", Open(Kind::LogBuffer)),
    Row("pino*.destination", Open(Kind::LogBuffer)),
    Row("winston*.createLogger", Open(Kind::LogBuffer)),
    Row("posthog-node*.PostHog", Open(Kind::LogBuffer)),
    Row("@segment/analytics-node*.Analytics", Open(Kind::LogBuffer)),
    Row("worker_threads.Worker", Open(Kind::Workers)),
    // Remote ends.
    Row(
        "fetch",
        Outbound(
            Remote::Http,
            Limit::Option(&["signal", "timeout", "dispatcher"]),
        ),
    ),
    Row(
        "node-fetch",
        Outbound(Remote::Http, Limit::Option(&["signal", "timeout"])),
    ),
    Row(
        "cross-fetch",
        Outbound(Remote::Http, Limit::Option(&["signal", "timeout"])),
    ),
    Row(
        "cross-fetch.fetch",
        Outbound(Remote::Http, Limit::Option(&["signal", "timeout"])),
    ),
    Row(
        "undici.fetch",
        Outbound(Remote::Http, Limit::Option(&["signal", "dispatcher"])),
    ),
    Row(
        "undici.request",
        Outbound(
            Remote::Http,
            Limit::Option(&["signal", "headersTimeout", "bodyTimeout", "dispatcher"]),
        ),
    ),
    Row(
        "axios*.create",
        Client(Remote::Http, Limit::Option(AXIOS_LIMITS)),
    ),
    Row(
        "axios*.Axios",
        Client(Remote::Http, Limit::Option(AXIOS_LIMITS)),
    ),
    Row("axios", Outbound(Remote::Http, Limit::Client(AXIOS_LIMITS))),
    Row(
        "axios.default",
        Outbound(Remote::Http, Limit::Client(AXIOS_LIMITS)),
    ),
    Row(
        "axios*.get",
        Outbound(Remote::Http, Limit::Client(AXIOS_LIMITS)),
    ),
    Row(
        "axios*.post",
        Outbound(Remote::Http, Limit::Client(AXIOS_LIMITS)),
    ),
    Row(
        "axios*.put",
        Outbound(Remote::Http, Limit::Client(AXIOS_LIMITS)),
    ),
    Row(
        "axios*.patch",
        Outbound(Remote::Http, Limit::Client(AXIOS_LIMITS)),
    ),
    Row(
        "axios*.delete",
        Outbound(Remote::Http, Limit::Client(AXIOS_LIMITS)),
    ),
    Row(
        "axios*.request",
        Outbound(Remote::Http, Limit::Client(AXIOS_LIMITS)),
    ),
    Row("got", Outbound(Remote::Http, Limit::Client(HTTP_LIMITS))),
    Row("got.*", Outbound(Remote::Http, Limit::Client(HTTP_LIMITS))),
    Row(
        "got*.extend",
        Client(Remote::Http, Limit::Option(HTTP_LIMITS)),
    ),
    Row(
        "graphql-request.request",
        Outbound(Remote::Http, Limit::Option(HTTP_LIMITS)),
    ),
    Row(
        "graphql-request*.GraphQLClient",
        Client(Remote::Http, Limit::Option(&["signal", "timeout", "fetch"])),
    ),
    Row(
        "graphql-request*.GraphQLClient().request",
        Outbound(Remote::Http, Limit::Client(&["signal", "timeout", "fetch"])),
    ),
    Row(
        "@octokit/rest*.Octokit",
        Client(Remote::Http, Limit::Option(&["request"])),
    ),
    Row(
        "@slack/web-api*.WebClient",
        Client(Remote::Http, Limit::Option(&["timeout", "agent"])),
    ),
    Row("ky", Outbound(Remote::Http, Limit::Default)),
    Row("ky.*", Outbound(Remote::Http, Limit::Default)),
    Row(
        "http.request",
        Outbound(Remote::Http, Limit::Option(HTTP_LIMITS)),
    ),
    Row(
        "http.get",
        Outbound(Remote::Http, Limit::Option(HTTP_LIMITS)),
    ),
    Row(
        "https.request",
        Outbound(Remote::Http, Limit::Option(HTTP_LIMITS)),
    ),
    Row(
        "https.get",
        Outbound(Remote::Http, Limit::Option(HTTP_LIMITS)),
    ),
    // A request has 15 s unless told otherwise.
    Row(
        "mssql*.request().query",
        Outbound(Remote::Database, Limit::Default),
    ),
    Row(
        "mssql*.request().batch",
        Outbound(Remote::Database, Limit::Default),
    ),
    Row(
        "mssql*.request().execute",
        Outbound(Remote::Database, Limit::Default),
    ),
    Row(
        "pg*.Pool().query",
        Outbound(Remote::Database, Limit::Client(SQL_LIMITS)),
    ),
    Row(
        "pg*.Pool().connect",
        Outbound(Remote::Database, Limit::Client(SQL_LIMITS)),
    ),
    Row(
        "pg*.Client().query",
        Outbound(Remote::Database, Limit::Client(SQL_LIMITS)),
    ),
    Row(
        "pg*.Client().connect",
        Outbound(Remote::Database, Limit::Client(SQL_LIMITS)),
    ),
    Row("child_process.exec", Spawn(Child::Awaited)),
    Row("child_process.execFile", Spawn(Child::Awaited)),
    Row("child_process.execSync", Spawn(Child::Blocking)),
    Row("child_process.execFileSync", Spawn(Child::Blocking)),
    Row("child_process.spawnSync", Spawn(Child::Blocking)),
    Row("child_process.spawn", Spawn(Child::Handle)),
    Row("child_process.fork", Spawn(Child::Handle)),
    Row("cross-spawn*", Spawn(Child::Handle)),
    Row("execa*", Spawn(Child::Awaited)),
    Row("process.kill", Kill),
    // Output.
    Row("console.log", Stdout),
    Row("console.info", Stdout),
    Row("console.debug", Stdout),
    Row("console.table", Stdout),
    Row("console.dir", Stdout),
    Row("console.group", Stdout),
    Row("process.stdout.write", Stdout),
    Row("console.error", Log),
    Row("console.warn", Log),
    Row("console.trace", Log),
    Row("process.stderr.write", Log),
    // Time.
    Row("Promise.race", Bound),
    Row("Promise.any", Bound),
    Row("p-timeout*", Bound),
    Row("Promise.all", All),
    Row("Promise.allSettled", Settle),
    Row("setTimeout", Later),
    Row("timers.setTimeout", Later),
    Row("setInterval", Every),
    Row("timers.setInterval", Every),
    // Secrets.
    Row("node-vault*().read", Lease),
    Row("node-vault*().revoke", Revoke),
    Row("node-vault*().tokenRevokeSelf", Revoke),
    Row("*.revokeSelf", Revoke),
    Row("Deno.env.get", Environment),
    Row("Buffer.from", Wiping),
    Row("Buffer.alloc", Wiping),
    // Resilience.
    Row("p-retry*", Retry),
    Row("async-retry*", Retry),
    Row("retry*", Retry),
    Row("exponential-backoff.backOff", Retry),
    Row("opossum*", Breaker),
    Row("cockatiel*.circuitBreaker", Breaker),
    Row("cockatiel*.retry", Retry),
    // These give the pool or client itself.
    Row("mssql*.ConnectionPool().connect", Same),
    Row("mongodb*.MongoClient().connect", Same),
    Row("redis*.createClient().connect", Same),
    Row("redis*.createClient().on", Same),
    Row("util.promisify", Same),
    Row("Object.freeze", Same),
    Row("Promise.resolve", Same),
];
