variable "name" {
  description = "Prefix of the names of all resources."
  type        = string
  default     = "flannel"
}

variable "zone_id" {
  description = "Zone of the vSwitch and of the instances, such as cn-hangzhou-h."
  type        = string
}

variable "vpc_cidr" {
  description = "Range of the VPC: 192.168.0.0/16, 172.16.0.0/12, 10.0.0.0/8, or a part of one."
  type        = string
  default     = "192.168.0.0/16"
}

variable "vswitch_cidr" {
  description = "Range of the vSwitch, inside the range of the VPC. The etcd host has its eleventh address."
  type        = string
  default     = "192.168.1.0/24"

  validation {
    condition     = can(cidrnetmask(var.vswitch_cidr)) && can(cidrhost(var.vswitch_cidr, 11))
    error_message = "vswitch_cidr must be an IPv4 range with a prefix length of 28 or less: the etcd host has its eleventh address."
  }
}

variable "pod_cidr" {
  description = "Network of flannel, from which the subnets of the nodes are leased: outside the range of the VPC. Each node needs one entry of the route table."
  type        = string
  default     = "10.24.0.0/16"
}

variable "nodes" {
  description = "Number of nodes in addition to the etcd host, which is a node too. A route table holds 200 entries by default."
  type        = number
  default     = 2

  validation {
    condition     = var.nodes >= 0 && var.nodes <= 199 && floor(var.nodes) == var.nodes
    error_message = "nodes must be an integer from 0 to 199: with the etcd host this is the default quota of 200 entries of a route table."
  }
}

variable "instance_type" {
  description = "Type of the instances."
  type        = string
  default     = "ecs.g7.large"
}

variable "image_id" {
  description = "Debian, Ubuntu, Alibaba Cloud Linux, RHEL or compatible, with cloud-init. Null: the newest Debian 12 of Alibaba Cloud."
  type        = string
  default     = null
}

variable "key_name" {
  description = "A key pair for the login, or null. No port is opened for it."
  type        = string
  default     = null
}

variable "repository" {
  description = "Address of the repository that ./build.sh repo makes, as the instances reach it, without a slash at the end."
  type        = string

  validation {
    condition     = can(regex("^https://[A-Za-z0-9.:/_-]*[A-Za-z0-9_-]$", var.repository))
    error_message = "repository must be an https URL without a slash at the end: the key of the packages is downloaded from it."
  }
}
