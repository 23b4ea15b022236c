/** A process of its own for the tests: the echo service as a server has it. */

import { createLog, listen, runProcess } from "@rollcall/runtime";
import { talk, TALK_PATH } from "./echo-service.ts";

const log = createLog({ fields: { role: "echo" } });

await runProcess({
  role: "echo",
  log,
  start: async () => {
    const listener = await listen({ host: "127.0.0.1", port: 0, streams: new Map([[TALK_PATH, talk]]), log });
    return { address: listener.address, stop: () => listener.close(5_000) };
  },
});
