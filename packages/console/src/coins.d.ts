/** Made by `build.ts`: loads each of the files of `coinFiles.ts`, which has the codes of coins, one a line, by their decimals. */
declare module "virtual:coins" {
  const files: ReadonlyArray<() => Promise<{ readonly default: Readonly<Record<string, string>> }>>
  export default files
}
