/** All verbs of `rollcall admin`, in the order of its help. */

import type { Verb } from "./verb.ts";
import { blockNamespace, blockService, unblockNamespace, unblockService } from "./verbs/block.ts";
import { clientOff, clientOn } from "./verbs/client.ts";
import { instanceDisable, instanceDrain, instanceReset, instanceWeight } from "./verbs/instance.ts";
import { backup, restore } from "./verbs/backup.ts";
import { connectionClose, connections } from "./verbs/connections.ts";
import { exportRecords, importRecords } from "./verbs/import.ts";
import { list } from "./verbs/list.ts";
import { log } from "./verbs/log.ts";
import { nodeDrain, nodeJoin } from "./verbs/node.ts";
import { pushOff, pushOn } from "./verbs/push.ts";
import { quotaSet, quotaUnset } from "./verbs/quota.ts";
import { rebalanceOff, rebalanceOn } from "./verbs/rebalance.ts";
import { staticList, staticPut, staticRemove } from "./verbs/static.ts";

export const VERBS: readonly Verb[] = [
  list,
  log,
  rebalanceOff,
  rebalanceOn,
  nodeDrain,
  nodeJoin,
  instanceDisable,
  instanceDrain,
  instanceWeight,
  instanceReset,
  clientOff,
  clientOn,
  pushOff,
  pushOn,
  blockNamespace,
  blockService,
  unblockNamespace,
  unblockService,
  quotaSet,
  quotaUnset,
  staticPut,
  staticRemove,
  staticList,
  exportRecords,
  importRecords,
  backup,
  restore,
  connections,
  connectionClose,
];
