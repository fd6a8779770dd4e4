/** What keeps a file from being read or made, in words for whoever named it. */
import * as Path from "node:path"

/** The system's own word is in the innermost cause. */
export const codeIn = (error: unknown): string | undefined => {
  if (!(error instanceof Error)) return undefined
  if ("code" in error && typeof error.code === "string") return error.code
  return codeIn(error.cause)
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error))

export const onRead = (file: string, error: unknown): string => {
  switch (codeIn(error)) {
    case "ENOENT":
    case "ENOTDIR":
      return `There is no file ${file}. Name one that is there.`
    case "EACCES":
    case "EPERM":
      return `${file} may not be read by the user who runs this. Let them read it (chmod, chown), or name another.`
    case "EISDIR":
      return `${file} is a directory. Name a file.`
    default:
      return `${file} cannot be read: ${messageOf(error)}`
  }
}

export const onMake = (file: string, error: unknown): string => {
  switch (codeIn(error)) {
    case "EEXIST":
      return `${file} is there already, and is not written over. Name a new file, or take that one away first.`
    case "ENOENT":
    case "ENOTDIR":
      return `There is no directory ${Path.dirname(file)}. Make it first, or name a file in another.`
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return `${file} may not be made by the user who runs this. Name one where they may write.`
    default:
      return `${file} cannot be made: ${messageOf(error)}`
  }
}
