/** How operators name clients: by id, by the name within it, or by the address they come from. */

/** What a client's user has called it: the rest of the id, after the last `~`, was drawn at random. */
export function nameOfClient(clientId: string): string {
  const end = clientId.lastIndexOf("~");
  return end === -1 ? clientId : clientId.slice(0, end);
}

/** The host of the `host:port` that a connection comes from, IPv6 without brackets and IPv4 as such. */
export function hostOfPeer(address: string): string {
  const host = address.slice(0, address.lastIndexOf(":")).replace(/^\[(.*)\]$/, "$1");
  return host.replace(/^::ffff:(?=\d+\.)/i, "");
}
