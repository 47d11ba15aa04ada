import type { Step } from '../../activity-log.ts'

/** Steps that belong together: a request with its answers, and the refresh that it brought about. */
export interface Story {
  /** Of its first step. */
  id: number
  steps: Step[]
}

const has = (story: Story | undefined, name: Step['name']): boolean =>
  story?.steps.some((step) => step.name === name) ?? false

/** Whether the story is a call that was refused, and nobody has asked for a new token yet. */
const waitsForToken = (story: Story): boolean => {
  const last = story.steps.at(-1)
  return last?.name === 'answer' && last.detail.status === 401 && last.detail.attempt === 1
}

/** Whether the story is a refresh ahead of a call that has not come yet. */
const isAheadOfCall = (story: Story | undefined): boolean => {
  const last = story?.steps.at(-1)
  return (
    last?.name === 'refreshed' &&
    last.detail.reason === 'expired' &&
    last.detail.outcome === 'renewed'
  )
}

/**
 * Puts steps into stories, in the order of their beginnings. The beginning of one may be missing:
 * the log forgets.
 * @param steps the oldest first
 */
export function storiesOf(steps: readonly Step[]): Story[] {
  const stories: Story[] = []
  const calls = new Map<number, Story>()
  let renewal: Story | undefined

  /** The story that a step goes on with, if there is one. */
  const storyOf = (step: Step): Story | undefined => {
    const last = stories.at(-1)
    switch (step.name) {
      case 'call':
        return isAheadOfCall(last) ? last : undefined
      case 'answer':
      case 'retry':
        return calls.get(step.detail.id)
      case 'refresh':
        return step.detail.reason === 'unauthorized' ? stories.findLast(waitsForToken) : undefined
      case 'refreshed':
        return renewal
      case 'logout':
        return stories.findLast((story) => has(story, 'signed-out') && !has(story, 'logout'))
      case 'signed-in':
      case 'signed-out':
      case 'user-changed': {
        // What follows from a sign-in or a refresh of this tab.
        const before = steps[steps.indexOf(step) - 1]
        const follows = before?.name === 'login' || before?.name === 'refreshed'
        const here = !('by' in step.detail) || step.detail.by !== 'tab'
        return follows && here
          ? stories.findLast((story) => story.steps.at(-1) === before)
          : undefined
      }
      case 'login':
        return undefined
    }
  }

  for (const step of steps) {
    let story = storyOf(step)
    if (story) story.steps.push(step)
    else stories.push((story = { id: step.id, steps: [step] }))
    if (step.name === 'call' || step.name === 'answer' || step.name === 'retry') {
      calls.set(step.detail.id, story)
    }
    if (step.name === 'refresh') renewal = story
    if (step.name === 'refreshed') renewal = undefined
  }
  return stories
}
