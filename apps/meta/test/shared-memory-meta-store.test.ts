import { systemClock } from "@rollcall/runtime";
import { SharedMemory } from "../src/store/shared-memory-meta-store.ts";
import { describeMetaStore, describeSharedMetaStore } from "./meta-store-contract.ts";

let memory: SharedMemory | undefined;
const maker = {
  open: () => Promise.resolve((memory ??= new SharedMemory(systemClock)).open({ clock: systemClock })),
  clear: () => (memory = undefined),
};

describeMetaStore("SharedMemory", maker);
describeSharedMetaStore("SharedMemory", maker);
