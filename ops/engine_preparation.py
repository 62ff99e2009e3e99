"""What the embedded engine needs before it starts: its files, its configuration, and the search store of Operate."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bridge.feed_account import feed_account
from engine.distribution import fetch_zeebe, is_fetched
from engine.downloads import default_cache
from engine.embedded import EngineConfig, EnginePorts
from ops.instance import InstanceDirectory
from ops.ports import ENGINE_PORTS
from ops.supervision import ChildSpec
from ops.terminal import DownloadProgress, say
from settings import get_settings


@dataclass(frozen=True)
class SearchStore:
    """The search store beside an engine with Operate: how it is started, and whether it answers."""

    child: ChildSpec
    is_ready: Callable[[], bool]


def fetch(version: str) -> Path:
    """Return the engine's files, downloaded unless they are cached.

    Raises:
        DistributionError: they cannot be fetched or verified.
    """
    cache = default_cache()
    if not is_fetched(version, cache):
        say(f"· 准备引擎 Zeebe {version}（缓存：{cache}）")
    return fetch_zeebe(version, cache, DownloadProgress(f"下载引擎 {version}"))


def configuration(
    directory: InstanceDirectory,
    distribution: Path,
    ports: Mapping[str, int],
    *,
    version: str,
    feed_address: str,
    controlled_clock: bool,
) -> EngineConfig:
    """Return how the engine of an instance is started from ``distribution``."""
    return EngineConfig(
        version=version,
        distribution=distribution,
        data_dir=directory.engine_data,
        log_dir=directory.logs,
        ports=EnginePorts(**{name: ports[name] for name in ENGINE_PORTS}),
        feed_address=feed_address,
        feed_account=feed_account(get_settings()),
        controlled_clock=controlled_clock,
        heap=os.environ.get("TONGQUAN_ENGINE_HEAP", "512m"),
    )


def with_operate(config: EngineConfig, directory: InstanceDirectory, port: int) -> tuple[EngineConfig, SearchStore]:
    """Return the engine's configuration with Operate in it, and the search store it needs, at ``port``."""
    from engine import opensearch, operate

    say(f"· Operate：{operate.LICENCE_NOTE}")
    search = opensearch.SearchConfig(
        jars=opensearch.fetch_opensearch(default_cache(), DownloadProgress("下载检索库")),
        data_dir=directory.search_data,
        port=port,
    )
    child = ChildSpec(
        name="search",
        label="检索库",
        command=opensearch.search_command(search),
        env=opensearch.search_environment(),
        cwd=directory.search_data,
        log_path=directory.log("search"),
        stop_seconds=20,
    )
    store = SearchStore(child, lambda: opensearch.is_ready(search))
    return operate.with_operate(config, search.url, search.cluster_name), store
