import { createMemoryRegistry } from "@rollcall/sdk/testing";

import { clientContract } from "../src/client-contract.ts";

clientContract("the registry in memory", createMemoryRegistry);
