/** All verbs of `rollcall admin`, in the order of its help. */

import type { Verb } from "./verb.ts";
import { list } from "./verbs/list.ts";
import { log } from "./verbs/log.ts";
import { nodeDrain, nodeJoin } from "./verbs/node.ts";
import { rebalanceOff, rebalanceOn } from "./verbs/rebalance.ts";

export const VERBS: readonly Verb[] = [list, log, nodeDrain, nodeJoin, rebalanceOff, rebalanceOn];
