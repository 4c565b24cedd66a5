/** All sound of a page: one switch, and the browser's refusal to play before a tap. */

import { type Signal, signal } from '@preact/signals'

export class Sound {
  readonly enabled: Signal<boolean> = signal(true)
  /** The browser wants a tap first. */
  readonly blocked: Signal<boolean> = signal(false)
  private readonly elements = new Set<HTMLMediaElement>()

  /** Play this element whenever sound is on; returns how to forget it. */
  attach(element: HTMLMediaElement): () => void {
    this.elements.add(element)
    this.play(element)
    return () => {
      this.elements.delete(element)
    }
  }

  /** To be called from a tap. */
  enable(): void {
    this.enabled.value = true
    this.blocked.value = false
    for (const element of this.elements) this.play(element)
  }

  disable(): void {
    this.enabled.value = false
    for (const element of this.elements) element.muted = true
  }

  private play(element: HTMLMediaElement): void {
    element.muted = !this.enabled.value
    element.play().catch((error: unknown) => {
      if (error instanceof DOMException && error.name === 'NotAllowedError') {
        this.blocked.value = true
      }
    })
  }
}
