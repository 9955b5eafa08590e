import type { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";

let ending: Promise<void> | undefined;

export function onEnd(server: McpServer) {
  const end = () => {
    ending ??= shutdown(server);
    void ending;
  };
  process.once("SIGTERM", end);
  process.once("SIGINT", end);
  process.stdin.once("end", end);
}

async function shutdown(server: McpServer) {
  setTimeout(() => process.exit(1), 5000).unref();
  await server.close();
  process.exit(0); // FINDING LIFE-002
}
