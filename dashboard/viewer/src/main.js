import * as core from '@cornerstonejs/core';
import * as tools from '@cornerstonejs/tools';
export default function () { console.log(core.init, tools.init); }
