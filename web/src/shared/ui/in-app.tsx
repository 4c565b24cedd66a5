import { useSignal } from '@preact/signals'
import { copyText } from '../client/clipboard'
import type { InApp } from '../client/in-app'
import { t } from '../i18n'
import { Icon } from './icon'

/** What to do in a browser that has no camera: open the same link in a real one. */
export function InAppNotice({ app, link }: { app: InApp; link: string }) {
  const texts = t.value.inApp
  const copied = useSignal<boolean | null>(null)
  const copy = async (): Promise<void> => {
    copied.value = await copyText(link)
  }
  return (
    <div class="in-app" role="alert" data-testid="in-app" data-app={app}>
      <h2>{app === 'other' ? texts.titleOther : texts.title(app)}</h2>
      <ol>
        <li>{texts.menu}</li>
        <li>{texts.open}</li>
        <li>{texts.orCopy}</li>
      </ol>
      <button
        type="button"
        class="button primary large"
        data-testid="copy-link"
        onClick={() => void copy()}
      >
        <Icon name={copied.value === true ? 'check' : 'copy'} />
        {copied.value === true ? texts.copied : texts.copy}
      </button>
      {copied.value === false ? (
        <p class="link-text" role="status">
          {texts.copyFailed} <code>{link}</code>
        </p>
      ) : null}
    </div>
  )
}
