"""``tongquan setup``: fetch and build what an instance needs, so that everything after it works offline."""

from engine.distribution import DEFAULT_VERSION, fetch_zeebe, is_fetched
from engine.downloads import default_cache
from engine.embedded import java_executable
from ops.assets import build_assets
from ops.terminal import DownloadProgress, say


def set_up(version: str = DEFAULT_VERSION) -> None:
    """Fetch the engine and build the browser assets; quick and offline when both are there.

    Raises:
        SetupError, EngineError: what is in the way, and how to fix it.
    """
    java_executable()
    cache = default_cache()
    if not is_fetched(version, cache):
        say(f"· 准备引擎 Zeebe {version}（缓存：{cache}）")
    fetch_zeebe(version, cache, DownloadProgress(f"下载引擎 {version}"))
    say(f"✓ 引擎 Zeebe {version}")
    build_assets()
    say("✓ 前端资源")
