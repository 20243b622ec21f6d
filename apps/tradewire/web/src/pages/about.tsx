// About: what this page is made of.
import type { JSX } from "preact";

export function About(): JSX.Element {
  return (
    <section>
      <h1>About</h1>
      <div class="prose">
        <p>The dashboard of tradewire, Apache License 2.0. It is made with:</p>
        <ul>
          <li>
            TradingView Lightweight Charts™, Copyright © 2023 TradingView, Inc., Apache License 2.0,{" "}
            <a href="https://www.tradingview.com/" rel="noreferrer">www.tradingview.com</a>
          </li>
          <li>Preact, Copyright © 2015-present Jason Miller, MIT License</li>
          <li>µPlot, Copyright © 2022 Leon Sorokin, MIT License</li>
        </ul>
        <h2>Keys</h2>
        <dl class="pairs">
          <div><dt>1 – 9</dt><dd>a page of the menu</dd></div>
          <div><dt>j, k</dt><dd>next and previous row</dd></div>
          <div><dt>w</dt><dd>why, of the row</dd></div>
          <div><dt>f</dt><dd>freeze, and go on</dd></div>
          <div><dt>/</dt><dd>find an order, a strategy or a page</dd></div>
        </dl>
      </div>
    </section>
  );
}
