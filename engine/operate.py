"""Operate beside the engine: Camunda 8.6.0's all-in-one application, reading a search store of its own."""

from dataclasses import replace

from engine.embedded import EngineConfig

VERSION = "8.6.0"
LICENCE_NOTE = "Camunda License 1.0，无许可证密钥时只可用于非生产环境；检索库和引擎的堆内存上限分别为 700 MB 和 900 MB"
MAIN_CLASS = "io.camunda.application.StandaloneCamunda"
HEAP = "900m"
RECORD_PREFIX = "zeebe-record"
CLUSTER_VARIABLES = ("CAMUNDA_DATABASE", "CAMUNDA_OPERATE_OPENSEARCH", "CAMUNDA_OPERATE_ZEEBEOPENSEARCH")
EXPORTER_CLASS = "io.camunda.zeebe.exporter.opensearch.OpensearchExporter"


def with_operate(config: EngineConfig, search_url: str, cluster_name: str) -> EngineConfig:
    """Return the configuration of an engine that has Operate in the same process, on the REST port.

    A third exporter fills the search store; those of the bridge stay as they are. Signs in with demo/demo.
    """
    located = {f"{name}_URL": search_url for name in CLUSTER_VARIABLES}
    located |= {f"{name}_CLUSTERNAME": cluster_name for name in CLUSTER_VARIABLES}
    return replace(
        config,
        main_class=MAIN_CLASS,
        heap=HEAP,
        extra_environment={
            **config.extra_environment,
            **located,
            "SPRING_PROFILES_ACTIVE": "operate,broker,auth",
            "CAMUNDA_DATABASE_TYPE": "opensearch",
            "CAMUNDA_OPERATE_DATABASE": "opensearch",
            "CAMUNDA_OPERATE_ZEEBEOPENSEARCH_PREFIX": RECORD_PREFIX,
            "CAMUNDA_OPERATE_ZEEBE_GATEWAYADDRESS": config.gateway_address,
            "ZEEBE_BROKER_EXPORTERS_OPENSEARCH_CLASSNAME": EXPORTER_CLASS,
            "ZEEBE_BROKER_EXPORTERS_OPENSEARCH_ARGS_URL": search_url,
            "ZEEBE_BROKER_EXPORTERS_OPENSEARCH_ARGS_BULK_SIZE": "5000",
            "ZEEBE_BROKER_EXPORTERS_OPENSEARCH_ARGS_INDEX_PREFIX": RECORD_PREFIX,
        },
    )
