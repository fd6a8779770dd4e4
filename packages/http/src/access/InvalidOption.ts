/** What is wrong with something that a host gave us to start with. */
import { Schema } from "effect"

export class InvalidOption extends Schema.TaggedError<InvalidOption>()("InvalidOption", {
  option: Schema.Literals(["publicKeys", "operatorTokens", "connectionTokenKey", "trustedProxies"]),
  fact: Schema.String,
}) {
  override get message() {
    return `${this.option}: ${this.fact}`
  }
}
