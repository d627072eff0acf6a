import type { Command } from 'commander'
import { GROUP_SUMMARIES } from '../spelling.ts'

/** The command at `words`, made with its groups where it does not exist yet. */
export function commandAt(program: Command, words: readonly string[]): Command {
  let node = program
  for (const word of words) {
    node = node.commands.find((command) => command.name() === word) ?? makeCommand(node, word)
  }
  return node
}

function makeCommand(parent: Command, word: string): Command {
  const command = parent.command(word)
  const summary = GROUP_SUMMARIES[word]
  return summary === undefined || parent.parent !== null ? command : command.description(summary)
}
