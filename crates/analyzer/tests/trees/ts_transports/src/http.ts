import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import express from "express";
import { make } from "./server.js";

export async function serveHttp() {
  const app = express();
  app.post("/mcp", async (request, response) => {
    const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined });
    await make().connect(transport);
    await transport.handleRequest(request, response);
  });
  const listening = app.listen(3000);
  process.once("SIGTERM", () => {
    setTimeout(() => process.exit(1), 5000).unref();
    listening.close(() => process.exit(0));
  });
  process.once("SIGINT", () => process.exit(0)); // FINDING LIFE-002
}
