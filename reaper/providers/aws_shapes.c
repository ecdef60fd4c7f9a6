/*
 * Written by `make write-aws-shapes` from botocore 1.44.5's model of EC2 2016-11-15; not by hand.
 */
/* clang-format off */
#include "reaper/providers/aws_shapes.h"

const char aws_shape_names[] =
	"DryRun\0" "SpotInstanceRequestIds\0" "SpotInstanceRequestId\0"
	"CancelSpotInstanceRequests\0" "Key\0" "Value\0" "Resources\0" "ResourceId\0" "Tags\0"
	"Tag\0" "CreateTags\0" "VolumeId\0" "DeleteVolume\0" "Name\0" "Values\0"
	"ExecutableUsers\0" "ExecutableBy\0" "ImageIds\0" "ImageId\0" "Owners\0" "Owner\0"
	"IncludeDeprecated\0" "IncludeDisabled\0" "MaxResults\0" "NextToken\0" "Filters\0"
	"Filter\0" "DescribeImages\0" "InstanceTypes\0" "InstanceType\0"
	"IncludeUnsupportedInRegion\0" "DescribeInstanceTypes\0" "InstanceIds\0" "InstanceId\0"
	"IncludeManagedResources\0" "DescribeInstances\0" "DescribeSpotInstanceRequests\0"
	"AvailabilityZoneId\0" "StartTime\0" "EndTime\0" "ProductDescriptions\0"
	"ProductDescription\0" "AvailabilityZone\0" "DescribeSpotPriceHistory\0" "VolumeIds\0"
	"DescribeVolumes\0" "Latest\0" "GetConsoleOutput\0" "DeleteOnTermination\0" "Iops\0"
	"SnapshotId\0" "VolumeSize\0" "VolumeType\0" "KmsKeyId\0" "Throughput\0" "OutpostArn\0"
	"Encrypted\0" "VolumeInitializationRate\0" "EbsCardIndex\0" "Ebs\0" "NoDevice\0"
	"DeviceName\0" "VirtualName\0" "Ipv6Address\0" "IsPrimaryIpv6\0" "MetricCategoryIds\0"
	"MetricCategoryId\0" "Enabled\0" "Affinity\0" "GroupName\0" "PartitionNumber\0"
	"HostId\0" "Tenancy\0" "SpreadDomain\0" "HostResourceGroupArn\0" "GroupId\0" "Type\0"
	"Count\0" "ResourceType\0" "LaunchTemplateId\0" "LaunchTemplateName\0" "Version\0"
	"MaxPrice\0" "SpotInstanceType\0" "BlockDurationMinutes\0" "ValidUntil\0"
	"InstanceInterruptionBehavior\0" "MarketType\0" "SpotOptions\0" "CpuCredits\0"
	"CoreCount\0" "ThreadsPerCore\0" "AmdSevSnp\0" "NestedVirtualization\0"
	"CapacityReservationId\0" "CapacityReservationResourceGroupArn\0"
	"CapacityReservationPreference\0" "CapacityReservationTarget\0" "Configured\0"
	"LicenseConfigurationArn\0" "HttpTokens\0" "HttpPutResponseHopLimit\0" "HttpEndpoint\0"
	"HttpProtocolIpv6\0" "InstanceMetadataTags\0" "HostnameType\0"
	"EnableResourceNameDnsARecord\0" "EnableResourceNameDnsAAAARecord\0" "AutoRecovery\0"
	"BandwidthWeighting\0" "Principal\0" "PrivateIpAddress\0" "DeviceIndex\0"
	"PrivateIpAddresses\0" "PrivateIpAddressCount\0" "SecondarySubnetId\0" "InterfaceType\0"
	"NetworkCardIndex\0" "Primary\0" "Ipv4Prefix\0" "Ipv6Prefix\0" "EnaSrdUdpEnabled\0"
	"EnaSrdEnabled\0" "EnaSrdUdpSpecification\0" "TcpEstablishedTimeout\0"
	"UdpStreamTimeout\0" "UdpTimeout\0" "AssociatePublicIpAddress\0" "Description\0"
	"Groups\0" "SecurityGroupId\0" "Ipv6AddressCount\0" "Ipv6Addresses\0"
	"NetworkInterfaceId\0" "SecondaryPrivateIpAddressCount\0" "SubnetId\0"
	"AssociateCarrierIpAddress\0" "Ipv4Prefixes\0" "Ipv4PrefixCount\0" "Ipv6Prefixes\0"
	"Ipv6PrefixCount\0" "PrimaryIpv6\0" "EnaSrdSpecification\0"
	"ConnectionTrackingSpecification\0" "EnaQueueCount\0" "Arn\0" "BlockDeviceMappings\0"
	"BlockDeviceMapping\0" "KernelId\0" "KeyName\0" "MaxCount\0" "MinCount\0" "Monitoring\0"
	"Placement\0" "RamdiskId\0" "SecurityGroupIds\0" "SecurityGroups\0" "SecurityGroup\0"
	"UserData\0" "ElasticGpuSpecification\0" "ElasticInferenceAccelerators\0"
	"ElasticInferenceAccelerator\0" "TagSpecifications\0" "TagSpecification\0"
	"LaunchTemplate\0" "InstanceMarketOptions\0" "CreditSpecification\0" "CpuOptions\0"
	"CapacityReservationSpecification\0" "HibernationOptions\0" "LicenseSpecifications\0"
	"LicenseSpecification\0" "MetadataOptions\0" "EnclaveOptions\0" "PrivateDnsNameOptions\0"
	"MaintenanceOptions\0" "DisableApiStop\0" "EnablePrimaryIpv6\0"
	"NetworkPerformanceOptions\0" "Operator\0" "SecondaryInterfaces\0" "SecondaryInterface\0"
	"DisableApiTermination\0" "InstanceInitiatedShutdownBehavior\0" "ClientToken\0"
	"AdditionalInfo\0" "NetworkInterfaces\0" "NetworkInterface\0" "IamInstanceProfile\0"
	"EbsOptimized\0" "RunInstances\0" "Force\0" "SkipOsShutdown\0" "TerminateInstances\0";

const struct aws_shape aws_shapes[] = {
	{ AWS_SHAPE_TEXT, 0, 0 }, /* a text */
	{ AWS_SHAPE_INTEGER, 0, 0 }, /* a whole number */
	{ AWS_SHAPE_BOOL, 0, 0 }, /* true or false */
	{ AWS_SHAPE_TIME, 0, 0 }, /* a time */
	{ AWS_SHAPE_LIST, 0, 0 }, /* a list of a text */
	{ AWS_SHAPE_OBJECT, 2, 0 }, /* CancelSpotInstanceRequestsRequest */
	{ AWS_SHAPE_OBJECT, 2, 2 }, /* Tag */
	{ AWS_SHAPE_LIST, 0, 6 }, /* a list of Tag */
	{ AWS_SHAPE_OBJECT, 3, 4 }, /* CreateTagsRequest */
	{ AWS_SHAPE_OBJECT, 2, 7 }, /* DeleteVolumeRequest */
	{ AWS_SHAPE_OBJECT, 2, 9 }, /* Filter */
	{ AWS_SHAPE_LIST, 0, 10 }, /* a list of Filter */
	{ AWS_SHAPE_OBJECT, 9, 11 }, /* DescribeImagesRequest */
	{ AWS_SHAPE_OBJECT, 6, 20 }, /* DescribeInstanceTypesRequest */
	{ AWS_SHAPE_OBJECT, 6, 26 }, /* DescribeInstancesRequest */
	{ AWS_SHAPE_OBJECT, 5, 32 }, /* DescribeSpotInstanceRequestsRequest */
	{ AWS_SHAPE_OBJECT, 10, 37 }, /* DescribeSpotPriceHistoryRequest */
	{ AWS_SHAPE_OBJECT, 6, 47 }, /* DescribeVolumesRequest */
	{ AWS_SHAPE_OBJECT, 3, 53 }, /* GetConsoleOutputRequest */
	{ AWS_SHAPE_OBJECT, 13, 56 }, /* EbsBlockDevice */
	{ AWS_SHAPE_OBJECT, 4, 69 }, /* BlockDeviceMapping */
	{ AWS_SHAPE_LIST, 0, 20 }, /* a list of BlockDeviceMapping */
	{ AWS_SHAPE_OBJECT, 2, 73 }, /* InstanceIpv6Address */
	{ AWS_SHAPE_LIST, 0, 22 }, /* a list of InstanceIpv6Address */
	{ AWS_SHAPE_OBJECT, 2, 75 }, /* RunInstancesMonitoringEnabled */
	{ AWS_SHAPE_OBJECT, 10, 77 }, /* Placement */
	{ AWS_SHAPE_OBJECT, 1, 87 }, /* ElasticGpuSpecification */
	{ AWS_SHAPE_LIST, 0, 26 }, /* a list of ElasticGpuSpecification */
	{ AWS_SHAPE_OBJECT, 2, 88 }, /* ElasticInferenceAccelerator */
	{ AWS_SHAPE_LIST, 0, 28 }, /* a list of ElasticInferenceAccelerator */
	{ AWS_SHAPE_OBJECT, 2, 90 }, /* TagSpecification */
	{ AWS_SHAPE_LIST, 0, 30 }, /* a list of TagSpecification */
	{ AWS_SHAPE_OBJECT, 3, 92 }, /* LaunchTemplateSpecification */
	{ AWS_SHAPE_OBJECT, 5, 95 }, /* SpotMarketOptions */
	{ AWS_SHAPE_OBJECT, 2, 100 }, /* InstanceMarketOptionsRequest */
	{ AWS_SHAPE_OBJECT, 1, 102 }, /* CreditSpecificationRequest */
	{ AWS_SHAPE_OBJECT, 4, 103 }, /* CpuOptionsRequest */
	{ AWS_SHAPE_OBJECT, 2, 107 }, /* CapacityReservationTarget */
	{ AWS_SHAPE_OBJECT, 2, 109 }, /* CapacityReservationSpecification */
	{ AWS_SHAPE_OBJECT, 1, 111 }, /* HibernationOptionsRequest */
	{ AWS_SHAPE_OBJECT, 1, 112 }, /* LicenseConfigurationRequest */
	{ AWS_SHAPE_LIST, 0, 40 }, /* a list of LicenseConfigurationRequest */
	{ AWS_SHAPE_OBJECT, 5, 113 }, /* InstanceMetadataOptionsRequest */
	{ AWS_SHAPE_OBJECT, 1, 118 }, /* EnclaveOptionsRequest */
	{ AWS_SHAPE_OBJECT, 3, 119 }, /* PrivateDnsNameOptionsRequest */
	{ AWS_SHAPE_OBJECT, 1, 122 }, /* InstanceMaintenanceOptionsRequest */
	{ AWS_SHAPE_OBJECT, 1, 123 }, /* InstanceNetworkPerformanceOptionsRequest */
	{ AWS_SHAPE_OBJECT, 1, 124 }, /* OperatorRequest */
	{ AWS_SHAPE_OBJECT, 1, 125 }, /* InstanceSecondaryInterfacePrivateIpAddressRequest */
	{ AWS_SHAPE_LIST, 0, 48 }, /* a list of InstanceSecondaryInterfacePrivateIpAddressRequest */
	{ AWS_SHAPE_OBJECT, 7, 126 }, /* InstanceSecondaryInterfaceSpecificationRequest */
	{ AWS_SHAPE_LIST, 0, 50 }, /* a list of InstanceSecondaryInterfaceSpecificationRequest */
	{ AWS_SHAPE_OBJECT, 2, 133 }, /* PrivateIpAddressSpecification */
	{ AWS_SHAPE_LIST, 0, 52 }, /* a list of PrivateIpAddressSpecification */
	{ AWS_SHAPE_OBJECT, 1, 135 }, /* Ipv4PrefixSpecificationRequest */
	{ AWS_SHAPE_LIST, 0, 54 }, /* a list of Ipv4PrefixSpecificationRequest */
	{ AWS_SHAPE_OBJECT, 1, 136 }, /* Ipv6PrefixSpecificationRequest */
	{ AWS_SHAPE_LIST, 0, 56 }, /* a list of Ipv6PrefixSpecificationRequest */
	{ AWS_SHAPE_OBJECT, 1, 137 }, /* EnaSrdUdpSpecificationRequest */
	{ AWS_SHAPE_OBJECT, 2, 138 }, /* EnaSrdSpecificationRequest */
	{ AWS_SHAPE_OBJECT, 3, 140 }, /* ConnectionTrackingSpecificationRequest */
	{ AWS_SHAPE_OBJECT, 23, 143 }, /* InstanceNetworkInterfaceSpecification */
	{ AWS_SHAPE_LIST, 0, 61 }, /* a list of InstanceNetworkInterfaceSpecification */
	{ AWS_SHAPE_OBJECT, 2, 166 }, /* IamInstanceProfileSpecification */
	{ AWS_SHAPE_OBJECT, 44, 168 }, /* RunInstancesRequest */
	{ AWS_SHAPE_OBJECT, 4, 212 }, /* TerminateInstancesRequest */
};

const struct aws_shape_member aws_shape_members[] = {
	{ 0, 0, 2 }, /* DryRun */
	{ 7, 30, 4 }, /* SpotInstanceRequestIds: SpotInstanceRequestId */
	{ 79, 79, 0 }, /* Key */
	{ 83, 83, 0 }, /* Value */
	{ 0, 0, 2 }, /* DryRun */
	{ 89, 99, 4 }, /* Resources: ResourceId */
	{ 110, 115, 7 }, /* Tags: Tag */
	{ 130, 130, 0 }, /* VolumeId */
	{ 0, 0, 2 }, /* DryRun */
	{ 152, 152, 0 }, /* Name */
	{ 157, 83, 4 }, /* Values: Value */
	{ 164, 180, 4 }, /* ExecutableUsers: ExecutableBy */
	{ 193, 202, 4 }, /* ImageIds: ImageId */
	{ 210, 217, 4 }, /* Owners: Owner */
	{ 223, 223, 2 }, /* IncludeDeprecated */
	{ 241, 241, 2 }, /* IncludeDisabled */
	{ 257, 257, 1 }, /* MaxResults */
	{ 268, 268, 0 }, /* NextToken */
	{ 0, 0, 2 }, /* DryRun */
	{ 278, 286, 11 }, /* Filters: Filter */
	{ 0, 0, 2 }, /* DryRun */
	{ 308, 322, 4 }, /* InstanceTypes: InstanceType */
	{ 278, 286, 11 }, /* Filters: Filter */
	{ 257, 257, 1 }, /* MaxResults */
	{ 268, 268, 0 }, /* NextToken */
	{ 335, 335, 2 }, /* IncludeUnsupportedInRegion */
	{ 384, 396, 4 }, /* InstanceIds: InstanceId */
	{ 407, 407, 2 }, /* IncludeManagedResources */
	{ 0, 0, 2 }, /* DryRun */
	{ 278, 286, 11 }, /* Filters: Filter */
	{ 268, 268, 0 }, /* NextToken */
	{ 257, 257, 1 }, /* MaxResults */
	{ 268, 268, 0 }, /* NextToken */
	{ 257, 257, 1 }, /* MaxResults */
	{ 0, 0, 2 }, /* DryRun */
	{ 7, 30, 4 }, /* SpotInstanceRequestIds: SpotInstanceRequestId */
	{ 278, 286, 11 }, /* Filters: Filter */
	{ 478, 478, 0 }, /* AvailabilityZoneId */
	{ 0, 0, 2 }, /* DryRun */
	{ 497, 497, 3 }, /* StartTime */
	{ 507, 507, 3 }, /* EndTime */
	{ 308, 322, 4 }, /* InstanceTypes: InstanceType */
	{ 515, 535, 4 }, /* ProductDescriptions: ProductDescription */
	{ 278, 286, 11 }, /* Filters: Filter */
	{ 554, 554, 0 }, /* AvailabilityZone */
	{ 257, 257, 1 }, /* MaxResults */
	{ 268, 268, 0 }, /* NextToken */
	{ 596, 130, 4 }, /* VolumeIds: VolumeId */
	{ 407, 407, 2 }, /* IncludeManagedResources */
	{ 0, 0, 2 }, /* DryRun */
	{ 278, 286, 11 }, /* Filters: Filter */
	{ 268, 268, 0 }, /* NextToken */
	{ 257, 257, 1 }, /* MaxResults */
	{ 396, 396, 0 }, /* InstanceId */
	{ 622, 622, 2 }, /* Latest */
	{ 0, 0, 2 }, /* DryRun */
	{ 646, 646, 2 }, /* DeleteOnTermination */
	{ 666, 666, 1 }, /* Iops */
	{ 671, 671, 0 }, /* SnapshotId */
	{ 682, 682, 1 }, /* VolumeSize */
	{ 693, 693, 0 }, /* VolumeType */
	{ 704, 704, 0 }, /* KmsKeyId */
	{ 713, 713, 1 }, /* Throughput */
	{ 724, 724, 0 }, /* OutpostArn */
	{ 554, 554, 0 }, /* AvailabilityZone */
	{ 735, 735, 2 }, /* Encrypted */
	{ 745, 745, 1 }, /* VolumeInitializationRate */
	{ 478, 478, 0 }, /* AvailabilityZoneId */
	{ 770, 770, 1 }, /* EbsCardIndex */
	{ 783, 783, 19 }, /* Ebs */
	{ 787, 787, 0 }, /* NoDevice */
	{ 796, 796, 0 }, /* DeviceName */
	{ 807, 807, 0 }, /* VirtualName */
	{ 819, 819, 0 }, /* Ipv6Address */
	{ 831, 831, 2 }, /* IsPrimaryIpv6 */
	{ 845, 863, 4 }, /* MetricCategoryIds: MetricCategoryId */
	{ 880, 880, 2 }, /* Enabled */
	{ 478, 478, 0 }, /* AvailabilityZoneId */
	{ 888, 888, 0 }, /* Affinity */
	{ 897, 897, 0 }, /* GroupName */
	{ 907, 907, 1 }, /* PartitionNumber */
	{ 923, 923, 0 }, /* HostId */
	{ 930, 930, 0 }, /* Tenancy */
	{ 938, 938, 0 }, /* SpreadDomain */
	{ 951, 951, 0 }, /* HostResourceGroupArn */
	{ 972, 972, 0 }, /* GroupId */
	{ 554, 554, 0 }, /* AvailabilityZone */
	{ 980, 980, 0 }, /* Type */
	{ 980, 980, 0 }, /* Type */
	{ 985, 985, 1 }, /* Count */
	{ 991, 991, 0 }, /* ResourceType */
	{ 110, 115, 7 }, /* Tags: Tag */
	{ 1004, 1004, 0 }, /* LaunchTemplateId */
	{ 1021, 1021, 0 }, /* LaunchTemplateName */
	{ 1040, 1040, 0 }, /* Version */
	{ 1048, 1048, 0 }, /* MaxPrice */
	{ 1057, 1057, 0 }, /* SpotInstanceType */
	{ 1074, 1074, 1 }, /* BlockDurationMinutes */
	{ 1095, 1095, 3 }, /* ValidUntil */
	{ 1106, 1106, 0 }, /* InstanceInterruptionBehavior */
	{ 1135, 1135, 0 }, /* MarketType */
	{ 1146, 1146, 33 }, /* SpotOptions */
	{ 1158, 1158, 0 }, /* CpuCredits */
	{ 1169, 1169, 1 }, /* CoreCount */
	{ 1179, 1179, 1 }, /* ThreadsPerCore */
	{ 1194, 1194, 0 }, /* AmdSevSnp */
	{ 1204, 1204, 0 }, /* NestedVirtualization */
	{ 1225, 1225, 0 }, /* CapacityReservationId */
	{ 1247, 1247, 0 }, /* CapacityReservationResourceGroupArn */
	{ 1283, 1283, 0 }, /* CapacityReservationPreference */
	{ 1313, 1313, 37 }, /* CapacityReservationTarget */
	{ 1339, 1339, 2 }, /* Configured */
	{ 1350, 1350, 0 }, /* LicenseConfigurationArn */
	{ 1374, 1374, 0 }, /* HttpTokens */
	{ 1385, 1385, 1 }, /* HttpPutResponseHopLimit */
	{ 1409, 1409, 0 }, /* HttpEndpoint */
	{ 1422, 1422, 0 }, /* HttpProtocolIpv6 */
	{ 1439, 1439, 0 }, /* InstanceMetadataTags */
	{ 880, 880, 2 }, /* Enabled */
	{ 1460, 1460, 0 }, /* HostnameType */
	{ 1473, 1473, 2 }, /* EnableResourceNameDnsARecord */
	{ 1502, 1502, 2 }, /* EnableResourceNameDnsAAAARecord */
	{ 1534, 1534, 0 }, /* AutoRecovery */
	{ 1547, 1547, 0 }, /* BandwidthWeighting */
	{ 1566, 1566, 0 }, /* Principal */
	{ 1576, 1576, 0 }, /* PrivateIpAddress */
	{ 646, 646, 2 }, /* DeleteOnTermination */
	{ 1593, 1593, 1 }, /* DeviceIndex */
	{ 1605, 1576, 49 }, /* PrivateIpAddresses: PrivateIpAddress */
	{ 1624, 1624, 1 }, /* PrivateIpAddressCount */
	{ 1646, 1646, 0 }, /* SecondarySubnetId */
	{ 1664, 1664, 0 }, /* InterfaceType */
	{ 1678, 1678, 1 }, /* NetworkCardIndex */
	{ 1695, 1695, 2 }, /* Primary */
	{ 1576, 1576, 0 }, /* PrivateIpAddress */
	{ 1703, 1703, 0 }, /* Ipv4Prefix */
	{ 1714, 1714, 0 }, /* Ipv6Prefix */
	{ 1725, 1725, 2 }, /* EnaSrdUdpEnabled */
	{ 1742, 1742, 2 }, /* EnaSrdEnabled */
	{ 1756, 1756, 58 }, /* EnaSrdUdpSpecification */
	{ 1779, 1779, 1 }, /* TcpEstablishedTimeout */
	{ 1801, 1801, 1 }, /* UdpStreamTimeout */
	{ 1818, 1818, 1 }, /* UdpTimeout */
	{ 1829, 1829, 2 }, /* AssociatePublicIpAddress */
	{ 646, 646, 2 }, /* DeleteOnTermination */
	{ 1854, 1854, 0 }, /* Description */
	{ 1593, 1593, 1 }, /* DeviceIndex */
	{ 1866, 1873, 4 }, /* Groups: SecurityGroupId */
	{ 1889, 1889, 1 }, /* Ipv6AddressCount */
	{ 1906, 1906, 23 }, /* Ipv6Addresses */
	{ 1920, 1920, 0 }, /* NetworkInterfaceId */
	{ 1576, 1576, 0 }, /* PrivateIpAddress */
	{ 1605, 1605, 53 }, /* PrivateIpAddresses */
	{ 1939, 1939, 1 }, /* SecondaryPrivateIpAddressCount */
	{ 1970, 1970, 0 }, /* SubnetId */
	{ 1979, 1979, 2 }, /* AssociateCarrierIpAddress */
	{ 1664, 1664, 0 }, /* InterfaceType */
	{ 1678, 1678, 1 }, /* NetworkCardIndex */
	{ 2005, 1703, 55 }, /* Ipv4Prefixes: Ipv4Prefix */
	{ 2018, 2018, 1 }, /* Ipv4PrefixCount */
	{ 2034, 1714, 57 }, /* Ipv6Prefixes: Ipv6Prefix */
	{ 2047, 2047, 1 }, /* Ipv6PrefixCount */
	{ 2063, 2063, 2 }, /* PrimaryIpv6 */
	{ 2075, 2075, 59 }, /* EnaSrdSpecification */
	{ 2095, 2095, 60 }, /* ConnectionTrackingSpecification */
	{ 2127, 2127, 1 }, /* EnaQueueCount */
	{ 2141, 2141, 0 }, /* Arn */
	{ 152, 152, 0 }, /* Name */
	{ 2145, 2165, 21 }, /* BlockDeviceMappings: BlockDeviceMapping */
	{ 202, 202, 0 }, /* ImageId */
	{ 322, 322, 0 }, /* InstanceType */
	{ 1889, 1889, 1 }, /* Ipv6AddressCount */
	{ 1906, 819, 23 }, /* Ipv6Addresses: Ipv6Address */
	{ 2184, 2184, 0 }, /* KernelId */
	{ 2193, 2193, 0 }, /* KeyName */
	{ 2201, 2201, 1 }, /* MaxCount */
	{ 2210, 2210, 1 }, /* MinCount */
	{ 2219, 2219, 24 }, /* Monitoring */
	{ 2230, 2230, 25 }, /* Placement */
	{ 2240, 2240, 0 }, /* RamdiskId */
	{ 2250, 1873, 4 }, /* SecurityGroupIds: SecurityGroupId */
	{ 2267, 2282, 4 }, /* SecurityGroups: SecurityGroup */
	{ 1970, 1970, 0 }, /* SubnetId */
	{ 2296, 2296, 0 }, /* UserData */
	{ 2305, 2305, 27 }, /* ElasticGpuSpecification */
	{ 2329, 2358, 29 }, /* ElasticInferenceAccelerators: ElasticInferenceAccelerator */
	{ 2386, 2404, 31 }, /* TagSpecifications: TagSpecification */
	{ 2421, 2421, 32 }, /* LaunchTemplate */
	{ 2436, 2436, 34 }, /* InstanceMarketOptions */
	{ 2458, 2458, 35 }, /* CreditSpecification */
	{ 2478, 2478, 36 }, /* CpuOptions */
	{ 2489, 2489, 38 }, /* CapacityReservationSpecification */
	{ 2522, 2522, 39 }, /* HibernationOptions */
	{ 2541, 2563, 41 }, /* LicenseSpecifications: LicenseSpecification */
	{ 2584, 2584, 42 }, /* MetadataOptions */
	{ 2600, 2600, 43 }, /* EnclaveOptions */
	{ 2615, 2615, 44 }, /* PrivateDnsNameOptions */
	{ 2637, 2637, 45 }, /* MaintenanceOptions */
	{ 2656, 2656, 2 }, /* DisableApiStop */
	{ 2671, 2671, 2 }, /* EnablePrimaryIpv6 */
	{ 2689, 2689, 46 }, /* NetworkPerformanceOptions */
	{ 2715, 2715, 47 }, /* Operator */
	{ 2724, 2744, 51 }, /* SecondaryInterfaces: SecondaryInterface */
	{ 0, 0, 2 }, /* DryRun */
	{ 2763, 2763, 2 }, /* DisableApiTermination */
	{ 2785, 2785, 0 }, /* InstanceInitiatedShutdownBehavior */
	{ 1576, 1576, 0 }, /* PrivateIpAddress */
	{ 2819, 2819, 0 }, /* ClientToken */
	{ 2831, 2831, 0 }, /* AdditionalInfo */
	{ 2846, 2864, 62 }, /* NetworkInterfaces: NetworkInterface */
	{ 2881, 2881, 63 }, /* IamInstanceProfile */
	{ 2900, 2900, 2 }, /* EbsOptimized */
	{ 384, 396, 4 }, /* InstanceIds: InstanceId */
	{ 2926, 2926, 2 }, /* Force */
	{ 2932, 2932, 2 }, /* SkipOsShutdown */
	{ 0, 0, 2 }, /* DryRun */
};

const struct aws_shape_action aws_shape_actions[] = {
	{ 52, 5 }, /* CancelSpotInstanceRequests */
	{ 119, 8 }, /* CreateTags */
	{ 139, 9 }, /* DeleteVolume */
	{ 293, 12 }, /* DescribeImages */
	{ 362, 13 }, /* DescribeInstanceTypes */
	{ 431, 14 }, /* DescribeInstances */
	{ 449, 15 }, /* DescribeSpotInstanceRequests */
	{ 571, 16 }, /* DescribeSpotPriceHistory */
	{ 606, 17 }, /* DescribeVolumes */
	{ 629, 18 }, /* GetConsoleOutput */
	{ 2913, 64 }, /* RunInstances */
	{ 2947, 65 }, /* TerminateInstances */
};

const size_t aws_shape_action_count =
	sizeof(aws_shape_actions) / sizeof(aws_shape_actions[0]);
