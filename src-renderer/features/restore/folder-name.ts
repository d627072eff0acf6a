/** A folder's name that says whose files and when, such as `billing-worker-20261121-1604`; `now` on the console's clock. */
export function proposedFolder(environmentName: string, now: number): string {
  const at = new Date(now)
  const two = (value: number): string => String(value).padStart(2, '0')
  const day = `${at.getFullYear()}${two(at.getMonth() + 1)}${two(at.getDate())}`
  return `${environmentName.slice(0, 50)}-${day}-${two(at.getHours())}${two(at.getMinutes())}`
}
