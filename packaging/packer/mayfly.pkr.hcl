# An AMI (amazon-ebs) and a Compute Engine image (googlecompute) whose instances are mayfly
# machines: docker, mayfly-bootstrap, its units, the keys, and container images fetched before.
#
#   packer build -only=amazon-ebs.machine -var-file=yours.pkrvars.hcl packaging/packer
#
# Credentials of the cloud come from its usual places (environment, profile, role), none is here.
# image.key is uploaded as a file, into a folder that only the build's user can read; its content is
# in no variable, so neither in this file, nor in packer's log, nor in an environment. It is in the
# image: keep that private (an AMI is, by default) and encrypted. signing.key never goes near it.
#
# Packer 1.7 and newer bring no builders: `packer plugins install github.com/hashicorp/amazon`, or
# .../googlecompute, once. (1.6.6 refuses a block that would name them here.)

packer {
  required_version = ">= 1.6.6"
}

variable "bootstrap" {
  type        = string
  description = "The static mayfly-bootstrap for the architecture of the image."
}

variable "image_key" {
  type        = string
  description = "Path of image.key, which opens sealed bundles (mayfly-reaper keygen)."
}

variable "trusted_keys" {
  type        = string
  description = "Path of trusted.pub: whose tickets the machines believe."
  validation {
    condition     = basename(var.trusted_keys) != "signing.key"
    error_message = "Expected the path of trusted.pub. The signing key must never be in an image."
  }
}

variable "units" {
  type        = string
  description = "Folder of the units: packaging/systemd of the release."
}

variable "agent_image" {
  type        = string
  description = "The agent's image as an archive: build/agent-image.tar of make agent-image."
}

variable "images" {
  type        = list(string)
  default     = ["python:3.11-slim"]
  description = "Container images to fetch now: the resources' default ones, best."
}

variable "name" {
  type    = string
  default = "mayfly"
}

variable "architecture" {
  type        = string
  default     = "amd64"
  description = "For the amd64 or the arm64 processors."
  validation {
    condition     = contains(["amd64", "arm64"], var.architecture)
    error_message = "Expected amd64 or arm64."
  }
}

variable "instance_store" {
  type        = bool
  default     = false
  description = "AWS: docker's data goes to the machine's own NVMe disk, where it has one."
}

variable "disk_gb" {
  type    = number
  default = 20
}

# --- AWS. A source with the NVIDIA driver and its container toolkit makes an image for GPUs.
variable "aws_region" {
  type    = string
  default = "eu-west-1"
}

variable "aws_source_name" {
  type        = string
  default     = ""
  description = "Name pattern of the AMI to start from. Empty means Debian 12."
}

variable "aws_source_owner" {
  type        = string
  default     = "136693071363"
  description = "Account that the AMI belongs to. The default is Debian's."
}

variable "aws_ssh_username" {
  type    = string
  default = "admin"
}

variable "aws_root_device" {
  type        = string
  default     = "/dev/xvda"
  description = "The root disk's name in the AMI to start from. Ubuntu's is /dev/sda1."
}

# --- GCP.
variable "gcp_project" {
  type        = string
  default     = "unset"
  description = "Needed for googlecompute only."
}

variable "gcp_zone" {
  type    = string
  default = "europe-west1-b"
}

variable "gcp_source_family" {
  type        = string
  default     = ""
  description = "Family of the image to start from. Empty means Debian 12."
}

locals {
  stamp   = formatdate("YYYYMMDD-hhmm", timestamp())
  uploads = "/tmp/mayfly-bake"
  is_arm  = var.architecture == "arm64"
}

source "amazon-ebs" "machine" {
  region                    = var.aws_region
  instance_type             = local.is_arm ? "t4g.small" : "t3.small"
  ami_name                  = "${var.name}-${var.architecture}-${local.stamp}"
  encrypt_boot              = true
  ssh_username              = var.aws_ssh_username
  ssh_clear_authorized_keys = true

  source_ami_filter {
    owners      = [var.aws_source_owner]
    most_recent = true
    filters = {
      name                = var.aws_source_name != "" ? var.aws_source_name : "debian-12-${var.architecture}-*"
      architecture        = local.is_arm ? "arm64" : "x86_64"
      root-device-type    = "ebs"
      virtualization-type = "hvm"
    }
  }
  launch_block_device_mappings {
    device_name           = var.aws_root_device
    volume_type           = "gp3"
    volume_size           = var.disk_gb
    throughput            = 125
    iops                  = 3000
    delete_on_termination = true
  }
  tags = {
    Name = var.name
  }
}

source "googlecompute" "machine" {
  project_id          = var.gcp_project
  zone                = var.gcp_zone
  machine_type        = local.is_arm ? "t2a-standard-1" : "e2-small"
  image_name          = "${var.name}-${var.architecture}-${local.stamp}"
  image_family        = "${var.name}-${var.architecture}"
  source_image_family = var.gcp_source_family != "" ? var.gcp_source_family : (local.is_arm ? "debian-12-arm64" : "debian-12")
  disk_size           = var.disk_gb
  ssh_username        = "packer"
}

build {
  sources = ["source.amazon-ebs.machine", "source.googlecompute.machine"]

  provisioner "shell" {
    inline = ["install -d -m 700 ${local.uploads} ${local.uploads}/units"]
  }
  provisioner "file" {
    source      = var.bootstrap
    destination = "${local.uploads}/mayfly-bootstrap"
  }
  provisioner "file" {
    source      = var.image_key
    destination = "${local.uploads}/image.key"
  }
  provisioner "file" {
    source      = var.trusted_keys
    destination = "${local.uploads}/trusted.pub"
  }
  provisioner "file" {
    source      = "${var.units}/"
    destination = "${local.uploads}/units/"
  }
  provisioner "file" {
    source      = var.agent_image
    destination = "${local.uploads}/agent-image.tar"
  }
  provisioner "shell" {
    inline = [var.instance_store ? "sudo install -D -m 644 /dev/null /etc/mayfly/instance-store" : "true"]
  }
  # The last one: it forgets whoever baked.
  provisioner "shell" {
    script          = "${path.root}/provision.sh"
    execute_command = "chmod 755 '{{ .Path }}'; sudo env {{ .Vars }} '{{ .Path }}' ${local.uploads} ${join(" ", var.images)}"
  }
}
