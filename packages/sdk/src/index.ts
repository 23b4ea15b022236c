// For programs on ports of their own; on Node, import "@rollcall/sdk" instead.
export { createClientWith } from "./client.ts";
export * from "./words.ts";
