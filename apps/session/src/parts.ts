/**
 * Parts of a session node, by themselves: for the tests of the simulator that break one of them on purpose, to see that
 * somebody notices. It leads to the sources and not to what is published, and nobody else may import it.
 */

export { ClientConnection } from "./connections/client-connection.ts";
export { PushSwitch } from "./pushes/push-switch.ts";
export { RegistrationStore, type Wish } from "./registrations/registration-store.ts";
export { Writer } from "./routing/writer.ts";
export { View } from "./views/view.ts";
export { Telling } from "./views/telling.ts";
