export { ControlSet, type RecordChange } from "./control-set.ts";
export { healthService } from "./health.ts";
export { introspectionService } from "./introspection.ts";
export { LastingLink, type LastingLinkOwner, type LastingLinkPorts } from "./lasting-link.ts";
export {
  DEFAULT_HEARTBEAT_MS,
  MetaLink,
  type JoiningNode,
  type Membership,
  type MetaLinkOptions,
} from "./meta-link.ts";
export { unreachableBy } from "./unreachable.ts";
