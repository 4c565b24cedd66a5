import { computed, type ReadonlySignal, type Signal, signal } from '@preact/signals'
import type { Scene } from '../shared/wire/types.gen'

/**
 * The picture that is being prepared. What this page asked for last counts until the server has
 * answered: a second click must build on the first, and a take must mean what was clicked.
 */
export class Prepared {
  readonly scene: ReadonlySignal<Scene | null>
  private readonly asked: Signal<{ readonly scene: Scene | null } | null> = signal(null)

  constructor(
    told: () => Scene | null,
    private readonly ask: (scene: Scene | null) => Promise<void>,
  ) {
    this.scene = computed(() => {
      const server = told()
      return this.asked.value === null ? server : this.asked.value.scene
    })
  }

  async set(scene: Scene | null): Promise<void> {
    const asked = { scene }
    this.asked.value = asked
    await this.ask(scene)
    if (this.asked.value === asked) this.asked.value = null
  }
}
