/** What is an IP address, to the letter. */
export { isIPv4, isIPv6 } from "node:net"
