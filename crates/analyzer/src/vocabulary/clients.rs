//! Clients of remote ends that wait without a limit of their own, by what their documentation or source says.

use super::Role::{Client, Outbound};
use super::{Limit, Remote, Role, Row};

/// Requests that nothing but a bound around them, or in their chain, limits.
const UNBOUNDED: Role = Outbound(Remote::Http, Limit::Nothing);
/// Requests that take an option.
const BY_TIMEOUT: Role = Outbound(Remote::Http, Limit::Option(&["timeout", "signal"]));
/// Google's clients take the options of every request from what makes them, or from `google.options`.
const GOOGLE: Role = Client(Remote::Http, Limit::Option(&["timeout", "signal"]));
/// Statements of a driver that takes a limit with each, or from the server by a variable of the session.
const SQL: Role = Outbound(
    Remote::Database,
    Limit::Client(&["timeout", "queryTimeout", "maxExecutionTime"]),
);
const RESTY: Role = Client(Remote::Http, Limit::Option(&["SetTimeout"]));
const BY_RESTY: Role = Outbound(Remote::Http, Limit::Client(&["SetTimeout"]));
const GO_CLIENT: Role = Client(Remote::Http, Limit::Option(&["Timeout", "HTTPClient"]));
const BY_GO_CLIENT: Role = Outbound(Remote::Http, Limit::Client(&["Timeout", "HTTPClient"]));
const BY_BUILDER: Role = Outbound(Remote::Http, Limit::Client(&[]));
/// A connection that nothing but a bound around it limits.
const DIALED: Role = Outbound(Remote::Other, Limit::Nothing);
/// Statements whose limit is an option of the statement.
const STATEMENT: Role = Outbound(Remote::Database, Limit::Statement(&["timeout"]));

pub(super) const TYPESCRIPT: &[Row] = &[
    Row("superagent*.get", UNBOUNDED),
    Row("superagent*.post", UNBOUNDED),
    Row("superagent*.put", UNBOUNDED),
    Row("superagent*.patch", UNBOUNDED),
    Row("superagent*.delete", UNBOUNDED),
    Row("ofetch.ofetch", BY_TIMEOUT),
    Row("ofetch.$fetch", BY_TIMEOUT),
    Row("request", BY_TIMEOUT),
    Row("request-promise*", BY_TIMEOUT),
    Row("mysql*.createPool().query", SQL),
    Row("mysql*.createPool().execute", SQL),
    Row("mysql*.createPool().getConnection", SQL),
    Row("mysql*.createPool().getConnection().query", SQL),
    Row("mysql*.createPool().getConnection().execute", SQL),
    Row("mysql*.createConnection().query", SQL),
    Row("mysql*.createConnection().execute", SQL),
    Row("everart*().v1.*", UNBOUNDED),
    Row(
        "@linear/sdk*.LinearClient",
        Client(Remote::Http, Limit::Option(&["signal", "timeout"])),
    ),
    Row(
        "@linear/sdk*.LinearClient().*",
        Outbound(Remote::Http, Limit::Client(&["signal", "timeout"])),
    ),
    Row(
        "@hubspot/api-client*.Client",
        Client(Remote::Http, Limit::Option(&["httpAgent", "timeout"])),
    ),
    // Both call `fetch` without a signal; Ollama's takes another `fetch`, which may have one.
    Row(
        "@line/bot-sdk*.MessagingApiClient",
        Client(Remote::Http, Limit::Nothing),
    ),
    Row(
        "@line/bot-sdk*.MessagingApiBlobClient",
        Client(Remote::Http, Limit::Nothing),
    ),
    Row(
        "ollama*.Ollama",
        Client(Remote::Http, Limit::Option(&["fetch"])),
    ),
    Row(
        "jira.js*Client",
        Client(Remote::Http, Limit::Option(&["baseRequestConfig"])),
    ),
    Row(
        "@google/genai*.GoogleGenAI().models.*",
        Outbound(
            Remote::Http,
            Limit::Client(&["timeout", "httpOptions", "abortSignal"]),
        ),
    ),
    Row(
        "@google/generative-ai*().getGenerativeModel().generateContent",
        Outbound(Remote::Http, Limit::Client(&["timeout", "signal"])),
    ),
    Row("googleapis*.google.drive", GOOGLE),
    Row("googleapis*.google.gmail", GOOGLE),
    Row("googleapis*.google.calendar", GOOGLE),
    Row("googleapis*.google.sheets", GOOGLE),
    Row("googleapis*.google.docs", GOOGLE),
    Row("googleapis*.google.slides", GOOGLE),
    Row("googleapis*.google.tasks", GOOGLE),
    Row("googleapis*.google.people", GOOGLE),
    Row("googleapis*.google.forms", GOOGLE),
    Row("googleapis*.google.youtube", GOOGLE),
    Row("googleapis*.google.searchconsole", GOOGLE),
    Row("googleapis*.google.webmasters", GOOGLE),
    Row("googleapis*.google.analyticsdata", GOOGLE),
    Row("googleapis*.google.admin", GOOGLE),
    Row("googleapis*.google.chat", GOOGLE),
    Row("googleapis*.google.classroom", GOOGLE),
    Row("googleapis*.google.script", GOOGLE),
    Row("googleapis*.google.tagmanager", GOOGLE),
    Row("googleapis*.google.analyticsadmin", GOOGLE),
    Row("googleapis*.google.customsearch", GOOGLE),
];

/// Redis waits for its socket as long as it is told to, which by itself is for ever.
const BY_SOCKET: Role = Outbound(Remote::Database, Limit::Client(&["socket_timeout"]));

pub(super) const PYTHON: &[Row] = &[
    Row(
        "subprocess.Popen().communicate",
        Outbound(Remote::Child, Limit::Argument(1, &["timeout"])),
    ),
    Row(
        "confluent_kafka*.Consumer().poll",
        Outbound(Remote::Other, Limit::Argument(0, &["timeout"])),
    ),
    // The driver limits the wait for a connection, not that for an answer.
    Row("neo4j.*GraphDatabase.driver().execute_query", STATEMENT),
    Row("neo4j.*Driver().execute_query", STATEMENT),
    Row("neo4j.*.session().run", STATEMENT),
    Row("neo4j.*Session().run", STATEMENT),
    Row(
        "socket.socket().connect",
        Outbound(Remote::Other, Limit::Nothing),
    ),
    Row(
        "socket.create_connection",
        Outbound(Remote::Other, Limit::Argument(1, &["timeout"])),
    ),
    Row(
        "websocket.create_connection",
        Outbound(Remote::Other, Limit::Argument(1, &["timeout"])),
    ),
    Row(
        "paramiko.SSHClient().exec_command",
        Outbound(Remote::Other, Limit::Argument(2, &["timeout"])),
    ),
    Row(
        "pymysql.connect().cursor().execute",
        Outbound(Remote::Database, Limit::Client(&["read_timeout"])),
    ),
    Row("redis*Redis*().get", BY_SOCKET),
    Row("redis*Redis*().set", BY_SOCKET),
    Row("redis*Redis*().setex", BY_SOCKET),
    Row("redis*Redis*().delete", BY_SOCKET),
    Row("redis*Redis*().exists", BY_SOCKET),
    Row("redis*Redis*().expire", BY_SOCKET),
    Row("redis*Redis*().keys", BY_SOCKET),
    Row("redis*Redis*().scan", BY_SOCKET),
    Row("redis*Redis*().scan_iter", BY_SOCKET),
    Row("redis*Redis*().hget", BY_SOCKET),
    Row("redis*Redis*().hset", BY_SOCKET),
    Row("redis*Redis*().hgetall", BY_SOCKET),
    Row("redis*Redis*().lpush", BY_SOCKET),
    Row("redis*Redis*().rpush", BY_SOCKET),
    Row("redis*Redis*().lrange", BY_SOCKET),
    Row("redis*Redis*().sadd", BY_SOCKET),
    Row("redis*Redis*().smembers", BY_SOCKET),
    Row("redis*Redis*().zadd", BY_SOCKET),
    Row("redis*Redis*().zrange", BY_SOCKET),
    Row("redis*Redis*().xadd", BY_SOCKET),
    Row("redis*Redis*().publish", BY_SOCKET),
    Row("redis*Redis*().execute_command", BY_SOCKET),
    Row("redis*Redis*().ping", BY_SOCKET),
    Row("redis*Redis*().info", BY_SOCKET),
    Row("redis*.from_url().get", BY_SOCKET),
    Row("redis*.from_url().set", BY_SOCKET),
    Row("redis*.from_url().delete", BY_SOCKET),
    Row("redis*.from_url().keys", BY_SOCKET),
    Row("redis*.from_url().scan", BY_SOCKET),
    Row("redis*.from_url().hget", BY_SOCKET),
    Row("redis*.from_url().hset", BY_SOCKET),
    Row("redis*.from_url().hgetall", BY_SOCKET),
    Row("redis*.from_url().execute_command", BY_SOCKET),
    Row("redis*.from_url().ping", BY_SOCKET),
];

pub(super) const RUST: &[Row] = &[
    Row("reqwest.RequestBuilder*.send", BY_BUILDER),
    Row(
        "reqwest.RequestBuilder*.timeout()*.send",
        Outbound(Remote::Http, Limit::Default),
    ),
    Row("reqwest_middleware.ClientWithMiddleware*.send", BY_BUILDER),
    Row(
        "reqwest_middleware.ClientBuilder*.build()*.send",
        BY_BUILDER,
    ),
    Row(
        "reqwest_middleware.*timeout()*.send",
        Outbound(Remote::Http, Limit::Default),
    ),
    Row("hyper_util.client.legacy.Client*.request", UNBOUNDED),
    Row("hyper.Client*.request", UNBOUNDED),
    Row("tokio.net.TcpStream.connect", DIALED),
    Row("std.net.TcpStream.connect", DIALED),
    Row("nvim_rs.create.*.new_tcp", DIALED),
];

/// A client of Kubernetes has the limit of its configuration, which is none, or that of the context.
const BY_CONFIG: Role = Outbound(Remote::Http, Limit::Deadline);

pub(super) const GO: &[Row] = &[
    Row("github.com/go-resty/resty*.New", RESTY),
    Row("github.com/go-resty/resty*.R()*.Get", BY_RESTY),
    Row("github.com/go-resty/resty*.R()*.Post", BY_RESTY),
    Row("github.com/go-resty/resty*.R()*.Put", BY_RESTY),
    Row("github.com/go-resty/resty*.R()*.Patch", BY_RESTY),
    Row("github.com/go-resty/resty*.R()*.Delete", BY_RESTY),
    Row("github.com/go-resty/resty*.R()*.Execute", BY_RESTY),
    Row("github.com/hashicorp/go-retryablehttp.NewClient", GO_CLIENT),
    Row(
        "github.com/hashicorp/go-retryablehttp.*Client().Get",
        BY_GO_CLIENT,
    ),
    Row(
        "github.com/hashicorp/go-retryablehttp.*Client().Post",
        BY_GO_CLIENT,
    ),
    Row(
        "github.com/hashicorp/go-retryablehttp.*Client().Do",
        BY_GO_CLIENT,
    ),
    Row(
        "golang.org/x/oauth2.NewClient",
        Client(Remote::Http, Limit::Option(&["Timeout"])),
    ),
    Row("golang.org/x/oauth2.NewClient().Get", BY_GO_CLIENT),
    Row("golang.org/x/oauth2.NewClient().Post", BY_GO_CLIENT),
    Row("golang.org/x/oauth2.NewClient().Do", BY_GO_CLIENT),
    Row("net.Dial", DIALED),
    Row("k8s.io/client-go/kubernetes*().Get", BY_CONFIG),
    Row("k8s.io/client-go/dynamic*().Get", BY_CONFIG),
    Row("k8s.io/client-go/kubernetes*().List", BY_CONFIG),
    Row("k8s.io/client-go/dynamic*().List", BY_CONFIG),
    Row("k8s.io/client-go/kubernetes*().Create", BY_CONFIG),
    Row("k8s.io/client-go/dynamic*().Create", BY_CONFIG),
    Row("k8s.io/client-go/kubernetes*().Update", BY_CONFIG),
    Row("k8s.io/client-go/dynamic*().Update", BY_CONFIG),
    Row("k8s.io/client-go/kubernetes*().UpdateStatus", BY_CONFIG),
    Row("k8s.io/client-go/dynamic*().UpdateStatus", BY_CONFIG),
    Row("k8s.io/client-go/kubernetes*().Patch", BY_CONFIG),
    Row("k8s.io/client-go/dynamic*().Patch", BY_CONFIG),
    Row("k8s.io/client-go/kubernetes*().Apply", BY_CONFIG),
    Row("k8s.io/client-go/dynamic*().Apply", BY_CONFIG),
    Row("k8s.io/client-go/kubernetes*().Delete", BY_CONFIG),
    Row("k8s.io/client-go/dynamic*().Delete", BY_CONFIG),
    Row("k8s.io/client-go/kubernetes*().DeleteCollection", BY_CONFIG),
    Row("k8s.io/client-go/dynamic*().DeleteCollection", BY_CONFIG),
    Row("k8s.io/client-go/kubernetes*().Do", BY_CONFIG),
    Row("k8s.io/client-go/dynamic*().Do", BY_CONFIG),
    Row("k8s.io/client-go/kubernetes*().DoRaw", BY_CONFIG),
    Row("k8s.io/client-go/dynamic*().DoRaw", BY_CONFIG),
    Row("k8s.io/client-go/kubernetes*().Stream", BY_CONFIG),
    Row("k8s.io/client-go/dynamic*().Stream", BY_CONFIG),
];
