import { z } from 'zod'

/** Roles in rising order; each includes the ones before it. */
export const ROLES = ['viewer', 'operator', 'admin'] as const
export const roleSchema = z.enum(ROLES)
export type Role = z.infer<typeof roleSchema>

export function roleIncludes(held: Role, needed: Role): boolean {
  return ROLES.indexOf(held) >= ROLES.indexOf(needed)
}

/** The socket that stands for a role, inside the daemon's socket directory. */
export function socketNameOf(role: Role): string {
  return `${role}.sock`
}

/** `sockets.json`, world-readable beside the sockets: tells a denied socket from an absent one. */
export const socketsFileSchema = z.object({
  protocol: z.number().int(),
  version: z.string(),
  sockets: z.array(z.object({ role: roleSchema, path: z.string(), group: z.string() })),
})
export type SocketsFile = z.infer<typeof socketsFileSchema>
