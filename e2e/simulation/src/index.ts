// Scenarios, which run in any world that gives them what they need.
export { registerToPush } from "./scenarios/register-to-push.ts";
export type { Scenario, World } from "./world.ts";

// For scenarios of one's own: a client whose every word goes into the history.
export { RecordedClient, type Endpoint } from "./recorded-client.ts";
