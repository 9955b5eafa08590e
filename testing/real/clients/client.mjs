// A host on the official TypeScript SDK, of the major version that the plan names.
//
// The plan is the first argument. Lines to the test: `ready TOOLS`, `in flight`,
// `closed MILLISECONDS`. Lines from it: `close`, `exit`; the end of input is an `exit` as well.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const plan = JSON.parse(process.argv[2]);
const require = createRequire(plan.modules);
const say = (line) => process.stdout.write(`${line}\n`);

function sdk(version) {
  switch (version) {
    case 1:
      return {
        ...require("@modelcontextprotocol/sdk/client/index.js"),
        ...require("@modelcontextprotocol/sdk/client/stdio.js"),
      };
    case 2:
      return {
        ...require("@modelcontextprotocol/client"),
        ...require("@modelcontextprotocol/client/stdio"),
      };
    default:
      throw new Error(`no SDK of version ${version}`);
  }
}

const { Client, StdioClientTransport } = sdk(plan.sdk);
const [command, ...args] = plan.command;
const transport = new StdioClientTransport({
  command,
  args,
  cwd: plan.cwd,
  env: plan.env,
  stderr: "inherit",
});
const client = new Client({ name: "dropgate-testing-real", version: "0" });
await client.connect(transport);
const { tools } = await client.listTools();
for (const call of plan.calls) {
  const result = await client.callTool(call);
  if (result.isError) throw new Error(JSON.stringify(result));
}
say(`ready ${tools.length}`);
if (plan.in_flight) {
  client.callTool(plan.in_flight).catch((error) => process.stderr.write(`in flight: ${error.message}\n`));
  say("in flight");
}
for await (const order of createInterface({ input: process.stdin })) {
  if (order === "exit") break;
  if (order !== "close") throw new Error(`unknown order ${order}`);
  const began = performance.now();
  await client.close();
  say(`closed ${Math.round(performance.now() - began)}`);
}
process.exit(0);
