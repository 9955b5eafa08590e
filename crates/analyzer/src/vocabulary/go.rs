//! Names of Go libraries.

use super::Role::{
    All, AwaitSignal, Bound, Breaker, Client, Environment, Every, Exit, IgnoreSignal, Kill, Later,
    Lease, Lock, Log, Open, Outbound, Responder, Retry, Revoke, Same, Serve, Server, Settle, Spawn,
    Stdout, Trace, Transport, Wiping,
};
use super::{Child, Kind, Limit, Remote, Row, Serving, Wire};

const POOL: super::Role = Open(Kind::Pool);
const STDIO: super::Role = Serve(Serving::Over(Wire::Stdio));
const HTTP: super::Role = Serve(Serving::Over(Wire::Http));
const BY_ARGUMENT: super::Role = Serve(Serving::ByArgument);
const CLIENT: super::Role = Outbound(Remote::Http, Limit::Client(&["Timeout"]));
const DEADLINE: super::Role = Outbound(Remote::Database, Limit::Deadline);
const NO_LIMIT: super::Role = Outbound(Remote::Database, Limit::Nothing);
const UNBOUNDED: super::Role = Outbound(Remote::Other, Limit::Nothing);
const DIALED: super::Role = Outbound(Remote::Other, Limit::Option(&["Timeout"]));
const DIALED_CLIENT: super::Role = Client(Remote::Other, Limit::Option(&["Timeout"]));

/// The reviewed rows.
pub const ROWS: &[Row] = &[
    // The process.
    Row("os.Exit", Exit),
    Row("syscall.Exit", Exit),
    Row("log.Fatal*", Exit),
    Row("log.Default().Fatal*", Exit),
    Row("log.New().Fatal*", Exit),
    Row("log.Logger().Fatal*", Exit),
    Row("github.com/sirupsen/logrus*.Fatal*", Exit),
    Row("go.uber.org/zap*.Fatal*", Exit),
    Row("k8s.io/klog*.Fatal*", Exit),
    Row("k8s.io/klog*.Exit*", Exit),
    Row("github.com/golang/glog.Fatal*", Exit),
    Row("github.com/rs/zerolog*.Fatal().*", Exit),
    Row("github.com/charmbracelet/log*.Fatal*", Exit),
    Row("os/signal.Notify", AwaitSignal(None)),
    Row("os/signal.NotifyContext", AwaitSignal(None)),
    Row("os/signal.Ignore", IgnoreSignal),
    Row("github.com/oklog/run.SignalHandler", AwaitSignal(None)),
    Row(
        "sigs.k8s.io/controller-runtime*.SetupSignalHandler",
        AwaitSignal(Some("SIGTERM")),
    ),
    Row(
        "k8s.io/apiserver/pkg/server.SetupSignalContext",
        AwaitSignal(Some("SIGTERM")),
    ),
    Row(
        "k8s.io/apiserver/pkg/server.SetupSignalHandler",
        AwaitSignal(Some("SIGTERM")),
    ),
    // Serving. Of mcp-go only ServeStdio registers for SIGTERM and SIGINT itself.
    Row(
        "github.com/mark3labs/mcp-go/server.ServeStdio",
        Serve(Serving::Guarded(Wire::Stdio)),
    ),
    Row(
        "github.com/mark3labs/mcp-go/server.NewStdioServer().Listen",
        STDIO,
    ),
    Row(
        "github.com/mark3labs/mcp-go/server.StdioServer().Listen",
        STDIO,
    ),
    Row(
        "github.com/mark3labs/mcp-go/server.NewSSEServer().Start",
        HTTP,
    ),
    Row(
        "github.com/mark3labs/mcp-go/server.NewStreamableHTTPServer().Start",
        HTTP,
    ),
    Row(
        "github.com/mark3labs/mcp-go/server.NewSSEServer",
        Transport(Wire::Http),
    ),
    Row(
        "github.com/mark3labs/mcp-go/server.NewStreamableHTTPServer",
        Transport(Wire::Http),
    ),
    Row("github.com/mark3labs/mcp-go/server.NewMCPServer", Server),
    Row(
        "github.com/modelcontextprotocol/go-sdk/mcp.NewServer",
        Server,
    ),
    Row(
        "github.com/modelcontextprotocol/go-sdk/mcp.*Server().Run",
        BY_ARGUMENT,
    ),
    Row(
        "github.com/modelcontextprotocol/go-sdk/mcp.*Server().Connect",
        BY_ARGUMENT,
    ),
    Row(
        "github.com/modelcontextprotocol/go-sdk/mcp.*StdioTransport",
        Transport(Wire::Stdio),
    ),
    Row(
        "github.com/modelcontextprotocol/go-sdk/mcp.IOTransport",
        Transport(Wire::Stdio),
    ),
    Row(
        "github.com/modelcontextprotocol/go-sdk/mcp.NewStreamableHTTPHandler",
        Transport(Wire::Http),
    ),
    Row(
        "github.com/modelcontextprotocol/go-sdk/mcp.NewSSEHandler",
        Transport(Wire::Http),
    ),
    Row(
        "github.com/metoro-io/mcp-golang/transport/stdio.NewStdioServerTransport*",
        Transport(Wire::Stdio),
    ),
    Row(
        "github.com/metoro-io/mcp-golang/transport/http.New*Transport",
        Transport(Wire::Http),
    ),
    Row("github.com/metoro-io/mcp-golang.NewServer", Server),
    Row(
        "github.com/metoro-io/mcp-golang.*Server().Serve",
        BY_ARGUMENT,
    ),
    Row(
        "github.com/ThinkInAIXYZ/go-mcp/transport.NewStdioServerTransport",
        Transport(Wire::Stdio),
    ),
    Row("github.com/ThinkInAIXYZ/go-mcp/server.NewServer", Server),
    Row(
        "github.com/ThinkInAIXYZ/go-mcp/server.*Server().Run",
        BY_ARGUMENT,
    ),
    Row("github.com/acrmp/mcp.NewServer().Serve", STDIO),
    Row("github.com/localrivet/gomcp/server.*Server()*.Run", STDIO),
    Row("github.com/FreePeak/cortex/pkg/server.NewMCPServer", Server),
    Row(
        "github.com/FreePeak/cortex/pkg/server.NewMCPServer().ServeStdio",
        STDIO,
    ),
    Row(
        "github.com/FreePeak/cortex/pkg/server.NewMCPServer().ServeHTTP",
        HTTP,
    ),
    // Its application object handles signals.
    Row(
        "github.com/strowk/foxy-contexts/pkg/app*.Run",
        Serve(Serving::Guarded(Wire::Stdio)),
    ),
    Row("net/http.ListenAndServe*", HTTP),
    Row("net/http.Serve", HTTP),
    Row("net/http.Server().ListenAndServe*", HTTP),
    Row("net/http.Server().Serve*", HTTP),
    Row("github.com/gin-gonic/gin*.Run", HTTP),
    Row("github.com/labstack/echo*.Start", HTTP),
    Row("github.com/gofiber/fiber*.Listen", HTTP),
    Row(
        "github.com/modelcontextprotocol/go-sdk/mcp.AddTool",
        Responder,
    ),
    Row(
        "github.com/modelcontextprotocol/go-sdk/mcp*.AddTool",
        Responder,
    ),
    Row(
        "github.com/modelcontextprotocol/go-sdk/mcp*.AddPrompt",
        Responder,
    ),
    Row(
        "github.com/modelcontextprotocol/go-sdk/mcp*.AddResource*",
        Responder,
    ),
    Row("github.com/mark3labs/mcp-go/server*.AddTool", Responder),
    Row("github.com/mark3labs/mcp-go/server*.AddPrompt", Responder),
    Row(
        "github.com/mark3labs/mcp-go/server*.AddResource*",
        Responder,
    ),
    Row("github.com/mark3labs/mcp-go/server.ServerTool", Responder),
    Row("github.com/mark3labs/mcp-go/server.ServerPrompt", Responder),
    Row(
        "github.com/mark3labs/mcp-go/server.ServerResource",
        Responder,
    ),
    Row("github.com/metoro-io/mcp-golang*.RegisterTool", Responder),
    Row("github.com/metoro-io/mcp-golang*.RegisterPrompt", Responder),
    Row(
        "github.com/metoro-io/mcp-golang*.RegisterResource",
        Responder,
    ),
    Row(
        "github.com/ThinkInAIXYZ/go-mcp/server*.RegisterTool",
        Responder,
    ),
    Row("?.AddTool", Responder),
    // What is opened.
    Row("database/sql.Open", POOL),
    Row("database/sql.OpenDB", POOL),
    Row("github.com/jmoiron/sqlx.Open", POOL),
    Row("github.com/jmoiron/sqlx.Connect", POOL),
    Row("github.com/jmoiron/sqlx.ConnectContext", POOL),
    Row("github.com/jmoiron/sqlx.MustConnect", POOL),
    Row("github.com/jackc/pgx*.Connect", POOL),
    Row("github.com/jackc/pgx*.ConnectConfig", POOL),
    Row("github.com/jackc/pgx*/pgxpool.New", POOL),
    Row("github.com/jackc/pgx*/pgxpool.NewWithConfig", POOL),
    Row("github.com/jackc/pgx*/pgxpool.Connect", POOL),
    Row("github.com/jackc/pgx*/pgxpool.ConnectConfig", POOL),
    Row("gorm.io/gorm.Open", POOL),
    Row("go.mongodb.org/mongo-driver*/mongo.Connect", POOL),
    Row("github.com/redis/go-redis*.New*Client", POOL),
    Row("github.com/go-redis/redis*.New*Client", POOL),
    Row("github.com/neo4j/neo4j-go-driver*.NewDriver", POOL),
    Row(
        "github.com/neo4j/neo4j-go-driver*.NewDriverWithContext",
        POOL,
    ),
    Row("github.com/ClickHouse/clickhouse-go*.Open", POOL),
    Row("github.com/gocql/gocql*.CreateSession", POOL),
    Row("github.com/nats-io/nats.go.Connect", POOL),
    Row("google.golang.org/grpc.Dial", POOL),
    Row("google.golang.org/grpc.DialContext", POOL),
    Row("google.golang.org/grpc.NewClient", POOL),
    Row("cloud.google.com/go/bigquery.NewClient", POOL),
    Row("cloud.google.com/go/spanner.NewClient", POOL),
    Row("cloud.google.com/go/spanner.NewClientWithConfig", POOL),
    Row(
        "github.com/chromedp/chromedp.New*Allocator",
        Open(Kind::Browser),
    ),
    Row(
        "github.com/go-rod/rod.New().MustConnect",
        Open(Kind::Browser),
    ),
    Row(
        "github.com/playwright-community/playwright-go.Run",
        Open(Kind::Browser),
    ),
    Row(
        "github.com/fsnotify/fsnotify.NewWatcher",
        Open(Kind::Listener),
    ),
    Row(
        "go.opentelemetry.io/otel/sdk/trace.NewTracerProvider",
        Open(Kind::Telemetry),
    ),
    Row(
        "go.opentelemetry.io/otel/sdk/metric.NewMeterProvider",
        Open(Kind::Telemetry),
    ),
    Row(
        "go.opentelemetry.io/otel/sdk/log.NewLoggerProvider",
        Open(Kind::Telemetry),
    ),
    Row("go.uber.org/zap.BufferedWriteSyncer", Open(Kind::LogBuffer)),
    Row(
        "go.uber.org/zap/zapcore.BufferedWriteSyncer",
        Open(Kind::LogBuffer),
    ),
    // Remote ends.
    Row(
        "net/http.Client",
        Client(Remote::Http, Limit::Option(&["Timeout"])),
    ),
    Row("net/http.Client().Do", CLIENT),
    Row("net/http.Client().Get", CLIENT),
    Row("net/http.Client().Post", CLIENT),
    Row("net/http.Client().PostForm", CLIENT),
    Row("net/http.Client().Head", CLIENT),
    Row("net/http.Get", Outbound(Remote::Http, Limit::Nothing)),
    Row("net/http.Post", Outbound(Remote::Http, Limit::Nothing)),
    Row("net/http.PostForm", Outbound(Remote::Http, Limit::Nothing)),
    Row("net/http.Head", Outbound(Remote::Http, Limit::Nothing)),
    Row(
        "net/http.DefaultClient.Get",
        Outbound(Remote::Http, Limit::Nothing),
    ),
    Row(
        "net/http.DefaultClient.Post",
        Outbound(Remote::Http, Limit::Nothing),
    ),
    Row(
        "net/http.DefaultClient.Head",
        Outbound(Remote::Http, Limit::Nothing),
    ),
    Row(
        "net/http.DefaultClient.Do",
        Outbound(Remote::Http, Limit::Deadline),
    ),
    // A connection has no deadline unless it is set, or the dialer was given one.
    Row("net/smtp.SendMail", UNBOUNDED),
    Row("net/smtp.Dial", UNBOUNDED),
    Row("crypto/tls.Dial", UNBOUNDED),
    Row("golang.org/x/crypto/ssh.Dial", DIALED),
    Row("github.com/emersion/go-imap/client.Dial", DIALED_CLIENT),
    Row("github.com/emersion/go-imap/client.DialTLS", DIALED_CLIENT),
    Row("database/sql.*().Query", NO_LIMIT),
    Row("database/sql.*().QueryRow", NO_LIMIT),
    Row("database/sql.*().Exec", NO_LIMIT),
    Row("database/sql.*().Ping", NO_LIMIT),
    Row("database/sql.*().QueryContext", DEADLINE),
    Row("database/sql.*().QueryRowContext", DEADLINE),
    Row("database/sql.*().ExecContext", DEADLINE),
    Row("database/sql.*().PingContext", DEADLINE),
    Row("github.com/jmoiron/sqlx.*().Select", NO_LIMIT),
    Row("github.com/jmoiron/sqlx.*().Get", NO_LIMIT),
    Row("github.com/jmoiron/sqlx.*().Query*", NO_LIMIT),
    Row("github.com/jmoiron/sqlx.*().Exec", NO_LIMIT),
    Row("github.com/jmoiron/sqlx.*().*Context", DEADLINE),
    Row("github.com/jackc/pgx*().Query", DEADLINE),
    Row("github.com/jackc/pgx*().QueryRow", DEADLINE),
    Row("github.com/jackc/pgx*().Exec", DEADLINE),
    Row("os/exec.Command*().Run", Spawn(Child::Awaited)),
    Row("os/exec.Command*().Output", Spawn(Child::Awaited)),
    Row("os/exec.Command*().CombinedOutput", Spawn(Child::Awaited)),
    Row("os/exec.Command*().Start", Spawn(Child::Handle)),
    Row("os/exec.Cmd().Run", Spawn(Child::Awaited)),
    Row("os/exec.Cmd().Output", Spawn(Child::Awaited)),
    Row("os/exec.Cmd().CombinedOutput", Spawn(Child::Awaited)),
    Row("os/exec.Cmd().Start", Spawn(Child::Handle)),
    Row("os.StartProcess", Spawn(Child::Handle)),
    Row("os/exec.*().Process.Kill", Kill),
    Row("os/exec.*().Process.Signal", Kill),
    Row("*.Process.Kill", Kill),
    Row("*.Process.Signal", Kill),
    Row("syscall.Kill", Kill),
    Row("golang.org/x/sys/unix.Kill", Kill),
    // Output. What `println` prints goes to stderr.
    Row("fmt.Print", Stdout),
    Row("fmt.Printf", Stdout),
    Row("fmt.Println", Stdout),
    Row("os.Stdout.Write*", Stdout),
    Row("println", Log),
    Row("print", Log),
    Row("log.Print*", Log),
    Row("log.Panic*", Log),
    Row("log.New().Print*", Log),
    Row("log.Logger().Print*", Log),
    Row("log/slog.Debug*", Log),
    Row("log/slog.Info*", Log),
    Row("log/slog.Warn*", Log),
    Row("log/slog.Error*", Log),
    Row("log/slog.Log*", Log),
    Row("log/slog.*().Debug*", Log),
    Row("log/slog.*().Info*", Log),
    Row("log/slog.*().Warn*", Log),
    Row("log/slog.*().Error*", Log),
    Row("log/slog.*().Log*", Log),
    Row("github.com/sirupsen/logrus*", Log),
    Row("github.com/sirupsen/logrus.New", Same),
    Row("go.uber.org/zap*.Debug*", Log),
    Row("go.uber.org/zap*.Info*", Log),
    Row("go.uber.org/zap*.Warn*", Log),
    Row("go.uber.org/zap*.Error*", Log),
    Row("k8s.io/klog*.Info*", Log),
    Row("k8s.io/klog*.Warning*", Log),
    Row("k8s.io/klog*.Error*", Log),
    Row("github.com/rs/zerolog*.Msg*", Log),
    Row("os.Stderr.Write*", Log),
    // Time.
    Row("context.WithTimeout*", Bound),
    Row("context.WithDeadline*", Bound),
    Row("time.AfterFunc", Later),
    Row("k8s.io/apimachinery/pkg/util/wait.Until*", Every),
    Row("context.WithCancel*", Same),
    Row("context.WithValue", Same),
    Row("golang.org/x/sync/errgroup.*().Wait", All),
    Row("sync.WaitGroup().Wait", Settle),
    // Errors, values, secrets.
    Row("runtime/debug.Stack", Trace),
    Row("runtime.Stack", Trace),
    Row("os.Getenv", Environment),
    Row("os.LookupEnv", Environment),
    Row("syscall.Getenv", Environment),
    Row("github.com/hashicorp/vault/api*.Logical().Read*", Lease),
    Row("github.com/hashicorp/vault/api*.Logical().Write*", Lease),
    Row("github.com/hashicorp/vault/api*.Sys().Revoke*", Revoke),
    Row(
        "github.com/hashicorp/vault/api*.Token().RevokeSelf*",
        Revoke,
    ),
    Row("github.com/awnumar/memguard.*", Wiping),
    Row("sync.Mutex().Lock", Lock),
    Row("sync.RWMutex().Lock", Lock),
    Row("sync.RWMutex().RLock", Lock),
    // Resilience.
    Row("github.com/cenkalti/backoff*.Retry*", Retry),
    Row("github.com/avast/retry-go*.Do*", Retry),
    Row("github.com/sethvargo/go-retry.Do*", Retry),
    Row("github.com/sony/gobreaker*.NewCircuitBreaker*", Breaker),
    Row(
        "github.com/sony/gobreaker*.NewTwoStepCircuitBreaker*",
        Breaker,
    ),
    Row(
        "github.com/failsafe-go/failsafe-go/circuitbreaker.*",
        Breaker,
    ),
    Row("github.com/afex/hystrix-go/hystrix.Do*", Breaker),
];
