/** A reason not to go on that is told to the user as it is, without a stack. */
export class Refusal extends Error {}
