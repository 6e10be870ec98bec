/** An AbortController that is made when its signal is asked for: it costs more than many a call that needs none. */

export class LazyAbort {
  #controller: AbortController | undefined;
  #ended = false;
  readonly #reason: Error;

  /** @param reason what whoever is called off is told. */
  constructor(reason: Error) {
    this.#reason = reason;
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#ended) this.#controller.abort(this.#reason);
    return this.#controller.signal;
  }

  abort(): void {
    this.#ended = true;
    this.#controller?.abort(this.#reason);
  }
}
