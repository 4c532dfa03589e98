"""Why a test that passes with Kafka does not pass here: by suite, a pattern of its name, the reason."""
import fnmatch

TRANSACTIONS = "transactions: not there yet"
SHARE_GROUPS = "share groups: not there"
ACCESS = "access control lists: not there"
QUOTAS = "quotas of clients: not there"
NEWER_KAFKA = "asked of Kafka 4.0 and newer alone; our ApiVersions imply 3.9"
BROKER_SETTINGS = "the broker's settings stand where it is started, and are not altered over the wire"

REASONS = [
    ("franz-go", "TestTxn*", TRANSACTIONS),
    ("franz-go", "TestShareGroup*", SHARE_GROUPS),
    ("franz-go", "TestConsumeRegexShareSkipsInternal", SHARE_GROUPS),
    ("librdkafka", "0081_*", ACCESS + "; nor settings of the broker and of groups that could be altered"),
    ("librdkafka", "0103_*", TRANSACTIONS),
    ("librdkafka", "0109_*", ACCESS),
    ("librdkafka", "0115_*", ACCESS),
    ("librdkafka", "0119_*", ACCESS),
    ("librdkafka", "0129_*", TRANSACTIONS),
    ("librdkafka", "0184_*", SHARE_GROUPS),
    ("sarama", "TestFuncTxn*", TRANSACTIONS),
    ("sarama", "TestFuncInitProducerId3", TRANSACTIONS),
    ("sarama", "TestFuncListTransactions", TRANSACTIONS),
    ("sarama", "TestFuncDescribeTransactions", TRANSACTIONS),
    ("sarama", "TestFuncAdminQuotas", QUOTAS),
    ("sarama", "TestFuncAdminUpdateFeatures", "features that a cluster agrees on: there is one broker, and none"),
    ("sarama", "TestFuncAdminIncrementalAlterConfigs", BROKER_SETTINGS),
    ("kafka-python", "*::test_create_describe_delete_acls", ACCESS),
    ("kafka-python", "*::test_transactional_producer_*", TRANSACTIONS),
    ("kafka-python", "*::test_describe_configs_broker_resource_returns_configs",
     "of a Kafka 3.9, which our ApiVersions imply, it wants advertised.listeners unset and free to be altered"),
    ("kafka-python", "*::test_describe_metadata_quorum", NEWER_KAFKA + "; there is no quorum"),
    ("kafka-python", "*::test_describe_topic_partitions*", NEWER_KAFKA),
    ("kafka-python", "*::test_list_config_resources", NEWER_KAFKA),
]


def reason_of(suite, test):
    return next((why for of, pattern, why in REASONS if of == suite and fnmatch.fnmatchcase(test, pattern)), None)
