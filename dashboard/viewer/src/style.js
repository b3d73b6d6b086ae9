// The viewer's looks. The picture's own surround is black in both.
export const STYLE = `
.reader { --back: #1b1b1b; --fore: #e8e8e8; --line: #484848; --lift: #2c2c2c; --mark: #5aa9cf; position: relative; display: flex;
  flex-direction: column; min-height: 280px; background: var(--back); color: var(--fore); font: 13px/1.35 var(--st-font, system-ui, sans-serif);
  border-radius: 4px; overflow: hidden; outline: none; box-sizing: border-box; container-type: inline-size; }
.reader *, .reader *::before { box-sizing: border-box; }
.reader.light { --back: #ececec; --fore: #1c1c1c; --line: #b8b8b8; --lift: #fbfbfb; --mark: #1f6f96; }
.reader:focus-visible { box-shadow: inset 0 0 0 2px var(--mark); }
.reader:fullscreen { height: 100vh !important; border-radius: 0; }
.row { display: flex; flex-wrap: wrap; gap: 3px 2px; align-items: center; padding: 4px 4px; }
.chips { position: absolute; left: 2px; top: 26px; flex-direction: column; align-items: flex-start; z-index: 2; }
.gap { width: 1px; }
.reader button, .reader select, .reader input[type=number] { height: 28px; min-width: 27px; padding: 0 5px; border: 1px solid var(--line);
  border-radius: 4px; background: var(--lift); color: var(--fore); font: inherit; cursor: pointer; white-space: nowrap; }
.reader button:hover, .reader select:hover { border-color: var(--fore); }
.reader button:focus-visible, .reader select:focus-visible, .reader input:focus-visible { outline: 2px solid var(--mark); outline-offset: 1px; }
.reader button[aria-pressed=true] { border-color: var(--mark); background: color-mix(in srgb, var(--mark) 30%, var(--lift)); }
.reader [hidden] { display: none !important; }
.reader svg { width: 16px; height: 16px; display: block; }
.worded { display: inline-flex; gap: 4px; align-items: center; }
.row select { max-width: 100px; }
.row label { display: inline-flex; gap: 3px; align-items: center; }
.reader input[type=number] { width: 46px; cursor: text; appearance: textfield; -moz-appearance: textfield; }
.reader input::-webkit-inner-spin-button { appearance: none; }
.reader input[type=range] { accent-color: var(--mark); height: 22px; }
.chips input[type=range] { width: 90px; }
.chips button { display: inline-flex; gap: 6px; align-items: center; height: 24px; opacity: .75; }
.chips button[aria-pressed=true] { opacity: 1; }
.swatch { width: 26px; height: 3px; } .heatswatch { height: 9px; background: linear-gradient(90deg, #000004, #51127c, #b73779, #fc8961, #fcfdbf); }
.middle { flex: 1; display: flex; min-height: 0; position: relative; }
.stage { flex: 1; display: flex; gap: 2px; min-width: 0; background: #000; position: relative; }
.pane { flex: 1; position: relative; min-width: 0; overflow: hidden; background: #000; user-select: none; touch-action: none; }
.pane.active::after { content: ""; position: absolute; inset: 0; border: 1px solid var(--mark); pointer-events: none; }
.view { position: absolute; inset: 0; }
.over { position: absolute; inset: 0; width: 100%; height: 100%; pointer-events: none; }
.marking .pane { cursor: crosshair; }
.markswatch { border-top: 3px solid rgb(245, 200, 60); }
.hud { position: absolute; pointer-events: none; color: #e8e8e8; text-shadow: 0 0 3px #000, 0 0 2px #000; font-variant-numeric: tabular-nums;
  max-width: 70%; }
.hud:not(:empty, .heat) { background: rgb(0 0 0 / .6); border-radius: 3px; padding: 0 4px; margin: 0 -4px; } /* shows on white pictures too */
.name { left: 8px; top: 6px; font-weight: 600; }
.examined { left: 8px; bottom: 44px; font-weight: 600; white-space: pre-line; color: #8fd0f0; max-width: calc(100% - 16px); } .where { right: 8px; top: 6px; }
.level { left: 8px; bottom: 6px; white-space: pre; } .under { left: 8px; bottom: 24px; white-space: pre; }
.side { font-weight: 700; font-size: 15px; color: #f0d060; }
.side.left { left: 8px; top: 50%; translate: 0 -50%; } .side.right { right: 8px; top: 50%; translate: 0 -50%; }
.side.top { top: 6px; left: 50%; translate: -50%; } .side.bottom { bottom: 6px; left: 50%; translate: -50%; }
.side.unknown { font-weight: 400; font-size: 12px; }
.scale { right: 10px; bottom: 8px; text-align: center; }
.scale i { display: block; height: 6px; border: solid #e8e8e8; border-width: 0 1.5px 1.5px; margin: 1px auto 0;
  filter: drop-shadow(0 0 1px #000) drop-shadow(0 0 1px #000); }
.heat { right: 10px; top: 34px; display: flex; flex-direction: column; align-items: center; font-size: 11px; }
.lacks { right: 10px; top: 152px; font-size: 12px; }
.heat i { width: 10px; height: 90px; border: 1px solid #777; }
.loading { position: absolute; left: 0; right: 0; bottom: 0; height: 2px; background: #333; } .loading i { display: block; height: 100%; background: var(--mark); }
.bottom { display: flex; gap: 8px; align-items: center; padding: 3px 8px; }
.strip { flex: 1; min-width: 60px; height: 24px; position: relative; cursor: pointer; touch-action: none; outline: none; }
.strip.tall { height: 60px; } .strip canvas { position: absolute; inset: 0; width: 100%; height: 100%; border-radius: 3px; background: color-mix(in srgb, var(--fore) 8%, transparent); }
.strip .at { position: absolute; top: 0; bottom: 0; width: 2px; translate: -50%; background: var(--fore); box-shadow: 0 0 0 4px color-mix(in srgb, var(--fore) 25%, transparent); }
.strip:focus-visible { outline: 2px solid var(--mark); outline-offset: 1px; }
.strip .tip { position: absolute; bottom: calc(100% + 4px); translate: -50%; padding: 2px 7px; border-radius: 4px; background: var(--lift); border: 1px solid var(--line);
  white-space: nowrap; pointer-events: none; z-index: 4; max-width: 100%; overflow: hidden; text-overflow: ellipsis; font-variant-numeric: tabular-nums; }
.bottom output { min-width: 64px; text-align: right; font-variant-numeric: tabular-nums; }
.list { position: absolute; right: 36px; top: 30px; width: 214px; max-height: 62%; overflow-y: auto; padding: 6px; z-index: 2; border-radius: 4px;
  background: color-mix(in srgb, var(--back) 78%, transparent); }
.list h4, .sheet h4 { margin: 2px 0 6px; font-size: 13px; } .list ol { list-style: none; margin: 0; padding: 0; }
.list li { display: flex; gap: 2px; margin-bottom: 4px; }
.list .go { flex: 1; height: auto; padding: 4px 6px; text-align: left; white-space: normal; } .list .go b, .list .go span { display: block; }
.list .go span { opacity: .85; } .list .drop { height: auto; }
.sheet { position: absolute; inset: 8% 6% auto; max-width: 560px; margin: auto; max-height: 84%; overflow: auto; z-index: 5; padding: 12px 16px;
  background: var(--lift); border: 1px solid var(--line); border-radius: 6px; box-shadow: 0 6px 30px #000a; }
.sheet dl { display: grid; grid-template-columns: max-content 1fr; gap: 4px 14px; margin: 0 0 10px; } .sheet dt { font-weight: 600; } .sheet dd { margin: 0; }
.planes { position: absolute; inset: 0; display: grid; gap: 2px; background: #000; z-index: 2; }
.planes.three { grid-template-columns: 1fr 1fr; grid-template-rows: 1fr 1fr; }
.planes .pane.first { grid-row: span 2; } .blend { position: absolute; right: 10px; top: 34px; z-index: 3; color: #e8e8e8; }
@container (min-width: 641px) { .stage:has(.planes) ~ .list { display: none; } }
@media (max-width: 760px) {
  .row { flex-wrap: nowrap; overflow-x: auto; scrollbar-width: none; } .row > * { flex: none; } .row label { display: none; }
}
@container (max-width: 640px) {
  .middle { flex-direction: column; } .chips { position: static; order: 1; flex-direction: row; align-items: center; }
  .list { position: static; order: 2; width: auto; max-height: none; flex: none; } .list h4 { display: none; }
  .list ol { display: flex; gap: 6px; overflow-x: auto; } .list li { flex: none; margin: 0; }
  .examined { top: 24px; bottom: auto; }
}
`;
