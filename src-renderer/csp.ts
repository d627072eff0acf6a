import { z } from 'zod'

// Imported first: zod would otherwise try `new Function` once, which the content policy reports as a breach.
z.config({ jitless: true })
