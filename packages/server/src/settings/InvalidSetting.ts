/** What is wrong with a variable of the environment, or with the file that it names. */
import { Schema } from "effect"

export class InvalidSetting extends Schema.TaggedError<InvalidSetting>()("InvalidSetting", {
  variable: Schema.String,
  fact: Schema.String,
}) {
  override get message() {
    return `${this.variable}: ${this.fact}`
  }
}
