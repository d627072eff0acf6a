/** What the process's end says. */
export const EXIT = {
  done: 0,
  /** It could not be done; stderr says why. */
  failed: 1,
  /** Wrong arguments or settings; nothing was done. */
  usage: 2,
  /** The daemon met a defect of its own. */
  defect: 70,
} as const
