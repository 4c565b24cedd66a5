import type { InApp } from '../client/in-app'
import { t } from '../i18n'
import { useCopy } from './copy'
import { Icon } from './icon'

/** What to do in a browser that has no camera: open the same link in a real one. */
export function InAppNotice({ app, link }: { app: InApp; link: string }) {
  const texts = t.value.inApp
  const { copied, failed, copy } = useCopy()
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
        onClick={() => copy(link)}
      >
        <Icon name={copied.value === link ? 'check' : 'copy'} />
        {copied.value === link ? texts.copied : texts.copy}
      </button>
      {failed.value ? (
        <p class="link-text" role="status">
          {texts.copyFailed} <code>{link}</code>
        </p>
      ) : null}
    </div>
  )
}
